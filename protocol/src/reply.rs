//! What the server may answer.

use crate::codec::{DecodeError, Put, Reader};
use crate::frame::{self, Frame, Header, Opcode, REPLY_BIT};
use crate::ids::{Class, DepartureId};
use crate::limits::{CLASSES_MAX, CORES_MAX, NAME_BYTES_MAX, PARTITIONS_MAX, STOPS_MAX};
use crate::reservation::Reservation;
use crate::status::Status;

/// The answer to HELLO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The version that both speak from here on.
    pub version: u16,
    /// The core that serves this connection.
    pub core: u8,
    /// Whether the token made this an operator's connection.
    pub operator: bool,
    /// Requests in flight that this connection may have; the server stops reading above it.
    pub credit: u32,
    /// Bytes of the longest request.
    pub request_bytes_max: u32,
    /// Bytes of the longest reply.
    pub reply_bytes_max: u32,
    /// The port of each core, on the address of this connection: 1 to `CORES_MAX`.
    pub core_ports: Vec<u16>,
    /// The core that owns each partition, 1 to `PARTITIONS_MAX`; see `DepartureId::partition`.
    pub partition_cores: Vec<u8>,
    /// The server's name and version.
    pub server: String,
}

/// Whether a departure is for sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sale {
    /// As the rules' opening and closing times say.
    ByRules = 0,
    /// Opened by an operator, whatever the rules' opening time.
    Opened = 1,
    /// Closed by an operator.
    Closed = 2,
}

impl Sale {
    /// The variant with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::ByRules, Self::Opened, Self::Closed].into_iter().find(|sale| *sale as u8 == code)
    }
}

/// A stop of a departure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The stop's code in the timetable.
    pub code: String,
    /// Its name for people.
    pub name: String,
    /// Seconds from the start of the service day (noon less 12 hours); beyond 86,400 after midnight.
    pub arrival_s: u32,
    /// Likewise.
    pub departure_s: u32,
}

/// A class of a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassInfo {
    /// Which.
    pub class: Class,
    /// Whether places have coach, row and letter.
    pub numbered: bool,
    /// Places per segment.
    pub capacity: u32,
}

/// The answer to RESOLVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The departure's id.
    pub departure: DepartureId,
    /// Whether an operator has a hand on the sale.
    pub sale: Sale,
    /// Milliseconds until the rules open the sale: 0 when they have, all ones when they never do.
    pub opens_in_ms: u64,
    /// Milliseconds until the rules close it: 0 when they have, all ones when they never do.
    pub closes_in_ms: u64,
    /// The hold time when a request names none.
    pub hold_ms_default: u32,
    /// The longest that a request may name.
    pub hold_ms_max: u32,
    /// Places one account may have; 0 for no limit.
    pub places_per_account: u32,
    /// Passengers that one reservation may have.
    pub passengers_per_reservation: u8,
    /// The stops in order: 2 to `STOPS_MAX`.
    pub stops: Vec<Stop>,
    /// The classes: 1 to `CLASSES_MAX`.
    pub classes: Vec<ClassInfo>,
}

/// Free places in one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFree {
    /// Which.
    pub class: Class,
    /// One number for the pair asked, or all pairs in the order (0,1) (0,2) … (0,S-1) (1,2) … (S-2,S-1).
    pub free: Vec<u32>,
}

/// The answer to AVAILABILITY, from the published counters of any core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityReply {
    /// The departure.
    pub departure: DepartureId,
    /// How many changes this departure has seen; higher is newer.
    pub version: u64,
    /// Milliseconds since the last of them; all ones before the first.
    pub age_ms: u64,
    /// Stops of the route.
    pub stops: u8,
    /// One entry a class.
    pub classes: Vec<ClassFree>,
}

/// The answer to OPEN and CLOSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleReply {
    /// The departure.
    pub departure: DepartureId,
    /// The operator's word from here on.
    pub sale: Sale,
    /// The percent of its places that are for sale.
    pub released_percent: u8,
}

/// A status other than OK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub status: Status,
    /// Its meaning is the status' own.
    pub detail: u64,
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// To HELLO.
    Welcome(Welcome),
    /// To PING: the same bytes.
    Pong(&'a [u8]),
    /// To RESOLVE.
    Resolved(Resolved),
    /// To AVAILABILITY.
    Availability(AvailabilityReply),
    /// To RESERVE, CONFIRM, CANCEL, REFUND and LOOKUP; the opcode says which.
    Reservation(Opcode, Reservation),
    /// To OPEN and CLOSE; the opcode says which.
    Sale(Opcode, SaleReply),
    /// To STATS: names and values, sorted by name.
    Stats(Vec<(String, u64)>),
    /// Not OK. The code is the request's, which may be unknown.
    Refused(u8, Refusal),
}

impl<'a> Reply<'a> {
    /// The opcode's code in the reply's header, without `REPLY_BIT`.
    pub fn opcode(&self) -> u8 {
        match self {
            Self::Welcome(_) => Opcode::Hello as u8,
            Self::Pong(_) => Opcode::Ping as u8,
            Self::Resolved(_) => Opcode::Resolve as u8,
            Self::Availability(_) => Opcode::Availability as u8,
            Self::Reservation(opcode, _) | Self::Sale(opcode, _) => *opcode as u8,
            Self::Stats(_) => Opcode::Stats as u8,
            Self::Refused(opcode, _) => *opcode & !REPLY_BIT,
        }
    }

    /// Appends the whole frame.
    pub fn encode(&self, correlation: u64, out: &mut Vec<u8>) {
        if let Self::Refused(opcode, refusal) = self {
            return frame::write_refusal(out, *opcode, correlation, refusal.status, refusal.detail);
        }
        let header =
            Header { opcode: self.opcode() | REPLY_BIT, status: Status::Ok as u8, flags: 0, correlation };
        frame::write(out, header, |body| match self {
            Self::Welcome(welcome) => encode_welcome(welcome, body),
            Self::Pong(echo) => body.extend_from_slice(echo),
            Self::Resolved(resolved) => encode_resolved(resolved, body),
            Self::Availability(reply) => encode_availability(reply, body),
            Self::Reservation(_, reservation) => reservation.encode(body),
            Self::Sale(_, sale) => {
                body.put_u64(sale.departure.0);
                body.put_u8(sale.sale as u8);
                body.put_u8(sale.released_percent);
            }
            Self::Stats(stats) => {
                body.put_u16(stats.len() as u16);
                for (name, value) in stats {
                    body.put_text(name);
                    body.put_u64(*value);
                }
            }
            Self::Refused(..) => unreachable!("written above"),
        });
    }

    /// Reads the reply in a frame.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let header = frame.header;
        if header.opcode & REPLY_BIT == 0 || header.flags != 0 {
            return Err(DecodeError::BadField("header"));
        }
        let code = header.opcode & !REPLY_BIT;
        let status = Status::from_code(header.status).ok_or(DecodeError::BadField("status"))?;
        let mut body = Reader::new(frame.body);
        if status != Status::Ok {
            let detail = body.u64()?;
            body.finish()?;
            return Ok(Self::Refused(code, Refusal { status, detail }));
        }
        let opcode = Opcode::from_code(code).ok_or(DecodeError::BadField("opcode"))?;
        let reply = match opcode {
            Opcode::Hello => Self::Welcome(decode_welcome(&mut body)?),
            Opcode::Ping => Self::Pong(body.bytes(body.remaining())?),
            Opcode::Resolve => Self::Resolved(decode_resolved(&mut body)?),
            Opcode::Availability => Self::Availability(decode_availability(&mut body)?),
            Opcode::Reserve | Opcode::Confirm | Opcode::Cancel | Opcode::Refund | Opcode::Lookup => {
                Self::Reservation(opcode, Reservation::decode(&mut body)?)
            }
            Opcode::Open | Opcode::Close => {
                let departure = DepartureId(body.u64()?);
                let sale = Sale::from_code(body.u8()?).ok_or(DecodeError::BadField("sale"))?;
                Self::Sale(opcode, SaleReply { departure, sale, released_percent: body.u8()? })
            }
            Opcode::Stats => {
                let count = body.u16()?;
                let stat = |body: &mut Reader<'a>| -> Result<_, DecodeError> {
                    let name = body.text("name", usize::from(u8::MAX))?.to_owned();
                    Ok((name, body.u64()?))
                };
                Self::Stats((0..count).map(|_| stat(&mut body)).collect::<Result<_, _>>()?)
            }
        };
        body.finish()?;
        Ok(reply)
    }
}

fn encode_welcome(welcome: &Welcome, body: &mut Vec<u8>) {
    body.put_u16(welcome.version);
    body.put_u8(welcome.core);
    body.put_u8(u8::from(welcome.operator));
    body.put_u32(welcome.credit);
    body.put_u32(welcome.request_bytes_max);
    body.put_u32(welcome.reply_bytes_max);
    body.put_u8(welcome.core_ports.len() as u8);
    for port in &welcome.core_ports {
        body.put_u16(*port);
    }
    body.put_u16(welcome.partition_cores.len() as u16);
    body.extend_from_slice(&welcome.partition_cores);
    body.put_text(&welcome.server);
}

fn decode_welcome(body: &mut Reader<'_>) -> Result<Welcome, DecodeError> {
    let version = body.u16()?;
    let core = body.u8()?;
    let operator = match body.u8()? {
        0 => false,
        1 => true,
        _ => return Err(DecodeError::BadField("operator")),
    };
    let (credit, request_bytes_max, reply_bytes_max) = (body.u32()?, body.u32()?, body.u32()?);
    let cores = usize::from(body.u8()?);
    if !(1..=CORES_MAX).contains(&cores) {
        return Err(DecodeError::BadField("cores"));
    }
    let core_ports = (0..cores).map(|_| body.u16()).collect::<Result<_, _>>()?;
    let partitions = body.u16()?;
    if !(1..=PARTITIONS_MAX).contains(&partitions) {
        return Err(DecodeError::BadField("partitions"));
    }
    let partition_cores = body.bytes(usize::from(partitions))?.to_vec();
    if partition_cores.iter().any(|core| usize::from(*core) >= cores) {
        return Err(DecodeError::BadField("partition map"));
    }
    let server = body.text("server", NAME_BYTES_MAX)?.to_owned();
    Ok(Welcome {
        version,
        core,
        operator,
        credit,
        request_bytes_max,
        reply_bytes_max,
        core_ports,
        partition_cores,
        server,
    })
}

fn encode_resolved(resolved: &Resolved, body: &mut Vec<u8>) {
    body.put_u64(resolved.departure.0);
    body.put_u64(resolved.opens_in_ms);
    body.put_u64(resolved.closes_in_ms);
    body.put_u32(resolved.hold_ms_default);
    body.put_u32(resolved.hold_ms_max);
    body.put_u32(resolved.places_per_account);
    body.put_u8(resolved.passengers_per_reservation);
    body.put_u8(resolved.sale as u8);
    body.put_u8(resolved.classes.len() as u8);
    body.put_u8(resolved.stops.len() as u8);
    for class in &resolved.classes {
        body.put_u8(class.class.0);
        body.put_u8(u8::from(class.numbered));
        body.put_u32(class.capacity);
    }
    for stop in &resolved.stops {
        body.put_u32(stop.arrival_s);
        body.put_u32(stop.departure_s);
        body.put_text(&stop.code);
        body.put_text(&stop.name);
    }
}

fn decode_resolved(body: &mut Reader<'_>) -> Result<Resolved, DecodeError> {
    let departure = DepartureId(body.u64()?);
    let (opens_in_ms, closes_in_ms) = (body.u64()?, body.u64()?);
    let (hold_ms_default, hold_ms_max, places_per_account) = (body.u32()?, body.u32()?, body.u32()?);
    let passengers_per_reservation = body.u8()?;
    let sale = Sale::from_code(body.u8()?).ok_or(DecodeError::BadField("sale"))?;
    let (classes, stops) = (usize::from(body.u8()?), usize::from(body.u8()?));
    if !(1..=CLASSES_MAX).contains(&classes) {
        return Err(DecodeError::BadField("classes"));
    }
    if !(2..=STOPS_MAX).contains(&stops) {
        return Err(DecodeError::BadField("stops"));
    }
    let class_info = |body: &mut Reader<'_>| -> Result<_, DecodeError> {
        let class = Class(body.u8()?);
        let numbered = body.u8()? != 0;
        Ok(ClassInfo { class, numbered, capacity: body.u32()? })
    };
    let classes = (0..classes).map(|_| class_info(body)).collect::<Result<_, _>>()?;
    let stop = |body: &mut Reader<'_>| -> Result<_, DecodeError> {
        let (arrival_s, departure_s) = (body.u32()?, body.u32()?);
        let code = body.text("stop code", NAME_BYTES_MAX)?.to_owned();
        let name = body.text("stop name", usize::from(u8::MAX))?.to_owned();
        Ok(Stop { code, name, arrival_s, departure_s })
    };
    let stops = (0..stops).map(|_| stop(body)).collect::<Result<_, _>>()?;
    Ok(Resolved {
        departure,
        sale,
        opens_in_ms,
        closes_in_ms,
        hold_ms_default,
        hold_ms_max,
        places_per_account,
        passengers_per_reservation,
        stops,
        classes,
    })
}

fn encode_availability(reply: &AvailabilityReply, body: &mut Vec<u8>) {
    let pairs = reply.classes.first().map_or(0, |class| class.free.len());
    body.put_u64(reply.departure.0);
    body.put_u64(reply.version);
    body.put_u64(reply.age_ms);
    body.put_u8(reply.stops);
    body.put_u8(reply.classes.len() as u8);
    body.put_u16(pairs as u16);
    for class in &reply.classes {
        body.put_u8(class.class.0);
        for free in &class.free {
            body.put_u32(*free);
        }
    }
}

fn decode_availability(body: &mut Reader<'_>) -> Result<AvailabilityReply, DecodeError> {
    let departure = DepartureId(body.u64()?);
    let (version, age_ms) = (body.u64()?, body.u64()?);
    let stops = body.u8()?;
    let classes = usize::from(body.u8()?);
    if classes > CLASSES_MAX {
        return Err(DecodeError::BadField("classes"));
    }
    let pairs = usize::from(body.u16()?);
    let all_pairs = usize::from(stops) * usize::from(stops).saturating_sub(1) / 2;
    if pairs != 1 && pairs != all_pairs {
        return Err(DecodeError::BadField("pairs"));
    }
    let mut entries = Vec::with_capacity(classes);
    for _ in 0..classes {
        let class = Class(body.u8()?);
        let mut numbers = Reader::new(body.bytes(pairs * 4)?);
        let free = (0..pairs).map(|_| numbers.u32()).collect::<Result<_, _>>()?;
        entries.push(ClassFree { class, free });
    }
    Ok(AvailabilityReply { departure, version, age_ms, stops, classes: entries })
}
