-- One row per seat, with what a reservation of it needs. The partial index holds the free seats alone, so that finding
-- one does not get slower as a departure fills. There is no index of reservations: a sale would need one, and pay for it.
DROP TABLE IF EXISTS seat;
CREATE TABLE seat (
    departure integer NOT NULL,
    seat integer NOT NULL,
    reservation bigint,
    account integer,
    held_until timestamptz,
    PRIMARY KEY (departure, seat)
);
INSERT INTO seat (departure, seat)
SELECT departure, seat FROM generate_series(1, :departures) AS departure, generate_series(1, :seats) AS seat;
CREATE INDEX seat_free ON seat (departure, seat) WHERE reservation IS NULL;
VACUUM (FREEZE, ANALYZE) seat;
CHECKPOINT;
