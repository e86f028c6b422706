module articles

go 1.19
