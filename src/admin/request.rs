//! The head of an HTTP request, made into the page that it asks for, or into what is wrong with it. It reads bytes
//! that anybody may send, so it stands apart from the socket and is tested with whatever comes to mind.

/// The longest request head. Scrapers and browsers send below one KiB; what grows past this is no scraper.
pub(super) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The most header fields in a head. A browser sends about twenty.
const FIELDS_MAX: usize = 64;

/// What the admin port shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Metrics,
    Health,
    Ready,
}

/// Why a request gets no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// These bytes are no HTTP/1 request.
    Malformed,
    /// The head is longer than `HEAD_BYTES_MAX`, or has more than `FIELDS_MAX` fields.
    TooLong,
    /// There is no such page.
    NotFound,
    /// The page exists, and can only be read with GET.
    Method,
}

/// The page that a request head asks for; `None` while the head is not whole. What follows the head is not looked at.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Page>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooLong),
        Err(_) => return Err(Fault::Malformed),
    }
    let target = request.path.expect("a complete head has a target");
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let page = match path {
        "/metrics" => Page::Metrics,
        "/healthz" => Page::Health,
        "/readyz" => Page::Ready,
        _ => return Err(Fault::NotFound),
    };
    if request.method != Some("GET") {
        return Err(Fault::Method);
    }
    Ok(Some(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAPE: &[u8] =
        b"GET /metrics HTTP/1.1\r\nHost: localhost:9443\r\nUser-Agent: Prometheus\r\nAccept: */*\r\n\r\n";

    #[test]
    fn every_page_is_found_under_its_name() {
        assert_eq!(parse(SCRAPE), Ok(Some(Page::Metrics)));
        assert_eq!(parse(b"GET /metrics?core=0 HTTP/1.1\r\n\r\n"), Ok(Some(Page::Metrics)));
        assert_eq!(parse(b"GET /healthz HTTP/1.0\r\n\r\n"), Ok(Some(Page::Health)));
        assert_eq!(parse(b"GET /readyz HTTP/1.1\n\nwhat follows"), Ok(Some(Page::Ready)));
    }

    #[test]
    fn a_head_that_is_not_whole_asks_for_more() {
        for length in 0..SCRAPE.len() {
            assert_eq!(parse(&SCRAPE[..length]), Ok(None), "{length} bytes");
        }
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        let malformed: [&[u8]; 12] = [
            b"\0\0\0\0\0\0\0\0",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"SEATHOLD\x01\x00\x00\x00",
            b"GET\r\n\r\n",
            b"GET /metrics\r\n\r\n",
            b"GET  /metrics HTTP/1.1\r\n\r\n",
            b"GET /metrics HTTP/9.9\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /met\0rics HTTP/1.1\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\n: no name\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: a\0b\r\n\r\n",
        ];
        for bytes in malformed {
            assert_eq!(parse(bytes), Err(Fault::Malformed), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn other_pages_and_other_methods_are_told_apart() {
        for target in ["/", "/metrics/", "//metrics", "/METRICS", "*", "http://host/metrics", "/%6detrics"] {
            let head = format!("GET {target} HTTP/1.1\r\n\r\n");
            assert_eq!(parse(head.as_bytes()), Err(Fault::NotFound), "{target}");
        }
        for method in ["POST", "HEAD", "get", "DELETE"] {
            let head = format!("{method} /metrics HTTP/1.1\r\n\r\n");
            assert_eq!(parse(head.as_bytes()), Err(Fault::Method), "{method}");
        }
    }

    #[test]
    fn a_head_that_never_ends_is_cut_off() {
        let mut endless = b"GET /metrics HTTP/1.1\r\nX: ".to_vec();
        endless.resize(HEAD_BYTES_MAX - 1, b'x');
        assert_eq!(parse(&endless), Ok(None));
        endless.push(b'x');
        assert_eq!(parse(&endless), Err(Fault::TooLong));
        let fields = "a: b\r\n".repeat(FIELDS_MAX + 1);
        let many = format!("GET /metrics HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(parse(many.as_bytes()), Err(Fault::TooLong));
    }

    #[test]
    fn no_flipped_bit_is_a_panic() {
        for bit in 0..SCRAPE.len() * 8 {
            let mut flipped = SCRAPE.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // Whatever it is now, it has one of the four faults, asks for more, or is still a page.
            let _ = parse(&flipped);
        }
    }
}
