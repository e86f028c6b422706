//! Any text as a rules file, for a feed that has no fault.

use crate::feed;

/// What a feed needs, each file behind a line with its name.
const FEED: &[u8] = b"\
== agency.txt
agency_id,agency_name,agency_timezone
O,Orvane,Europe/Berlin
== stops.txt
stop_id,stop_name
A,Aldon
B,Berrow
== routes.txt
route_id,route_short_name
r1,Q 1
== trips.txt
route_id,service_id,trip_id,trip_short_name
r1,daily,t1,X 1
== stop_times.txt
trip_id,arrival_time,departure_time,stop_id,stop_sequence
t1,08:00:00,08:00:00,A,1
t1,08:10:00,08:12:00,B,2
== calendar.txt
service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
daily,1,1,1,1,1,1,1,20260101,20261231
";

pub(crate) fn check(bytes: &[u8]) {
    feed::import(FEED, bytes);
}
