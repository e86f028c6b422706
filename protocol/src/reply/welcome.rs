//! The answer to HELLO: what both speak from here on, and the way to each departure's owner.

use crate::codec::{DecodeError, Put, Reader};
use crate::limits::{CORES_MAX, NAME_BYTES_MAX, PARTITIONS_MAX};

/// The answer to HELLO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The version that both speak from here on.
    pub version: u16,
    /// The core that serves this connection.
    pub core: u8,
    /// Whether the token made this an operator's connection.
    pub operator: bool,
    /// Requests in flight that this connection may have, at least 1; the server stops reading above it.
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

impl Welcome {
    pub(super) fn encode(&self, body: &mut Vec<u8>) {
        body.put_u16(self.version);
        body.put_u8(self.core);
        body.put_u8(u8::from(self.operator));
        body.put_u32(self.credit);
        body.put_u32(self.request_bytes_max);
        body.put_u32(self.reply_bytes_max);
        body.put_u8(self.core_ports.len() as u8);
        for port in &self.core_ports {
            body.put_u16(*port);
        }
        body.put_u16(self.partition_cores.len() as u16);
        body.extend_from_slice(&self.partition_cores);
        body.put_text(&self.server);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
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
        if usize::from(core) >= cores {
            return Err(DecodeError::BadField("core"));
        }
        if credit == 0 {
            return Err(DecodeError::BadField("credit"));
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
        Ok(Self {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome() -> Welcome {
        Welcome {
            version: 1,
            core: 1,
            operator: false,
            credit: 64,
            request_bytes_max: 512,
            reply_bytes_max: 262_144,
            core_ports: vec![7501, 7502],
            partition_cores: vec![0, 1, 0],
            server: "seathold".into(),
        }
    }

    fn decode_edited(at: usize, value: u8) -> Result<Welcome, DecodeError> {
        let mut body = Vec::new();
        welcome().encode(&mut body);
        body[at] = value;
        Welcome::decode(&mut Reader::new(&body))
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(decode_edited(0, 1), Ok(welcome()));
    }

    #[test]
    fn every_core_of_the_map_exists() {
        assert_eq!(decode_edited(2, 2), Err(DecodeError::BadField("core")));
        assert_eq!(decode_edited(23, 2), Err(DecodeError::BadField("partition map")));
    }

    /// A client without credit could never ask anything.
    #[test]
    fn some_credit_is_given() {
        assert_eq!(decode_edited(4, 0), Err(DecodeError::BadField("credit")));
    }
}
