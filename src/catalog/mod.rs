//! Trains, stops, seat plans: GTFS and a rules file become departures.
