-- One reservation: any free seat of a departure that nobody else is about to take.
\set departure random(1, :departures)
\set account random(1, 1000)
\set reservation random(1, 9000000000000000000)
UPDATE seat SET reservation = :reservation, account = :account, held_until = now() + interval '10 minutes'
WHERE departure = :departure AND seat = (
    SELECT seat FROM seat WHERE departure = :departure AND reservation IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED
);
