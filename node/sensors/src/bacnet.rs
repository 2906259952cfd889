//! BACnet/IP (ASHRAE 135): the service ReadProperty, of present values.

use std::net::{Ipv4Addr, SocketAddr};

use bacnet_client::client::BACnetClient;
use bacnet_encoding::primitives::decode_application_value;
use bacnet_transport::bip::BipTransport;
use bacnet_types::enums::{ObjectType, PropertyIdentifier};
use bacnet_types::primitives::{ObjectIdentifier, PropertyValue};
use tokio::time::timeout;

use crate::points::{Bacnet, Kind, Object};
use crate::{PATIENCE, Round};

impl Kind {
    const fn object_type(self) -> ObjectType {
        match self {
            Self::AnalogInput => ObjectType::ANALOG_INPUT,
            Self::AnalogOutput => ObjectType::ANALOG_OUTPUT,
            Self::AnalogValue => ObjectType::ANALOG_VALUE,
            Self::BinaryInput => ObjectType::BINARY_INPUT,
            Self::BinaryOutput => ObjectType::BINARY_OUTPUT,
            Self::BinaryValue => ObjectType::BINARY_VALUE,
            Self::MultiStateInput => ObjectType::MULTI_STATE_INPUT,
            Self::MultiStateValue => ObjectType::MULTI_STATE_VALUE,
            Self::Accumulator => ObjectType::ACCUMULATOR,
        }
    }
}

/// Asks devices for each of their points, by one socket of its own port. A device that does not answer is asked nothing more in this
/// round.
pub(crate) async fn read(devices: &[Bacnet], now_ms: &impl Fn() -> u64, round: &mut Round) {
    if devices.is_empty() {
        return;
    }
    // A socket on loopback reaches nobody else, and asks for no broadcast.
    let loopback = devices.iter().all(|device| device.address.ip().is_loopback());
    let interface = if loopback { Ipv4Addr::LOCALHOST } else { Ipv4Addr::UNSPECIFIED };
    let started = BACnetClient::<BipTransport>::bip_builder()
        .interface(interface)
        .port(0)
        .apdu_timeout_ms(2_000)
        .apdu_retries(1)
        .build()
        .await;
    let mut client = match started {
        Ok(client) => client,
        Err(why) => return round.refuse("bacnet", why),
    };
    for device in devices {
        for object in &device.points {
            match timeout(PATIENCE, present_value(&client, device.address, object)).await {
                Ok(value) => round.take(&device.name, &object.point, now_ms(), value),
                Err(_) => {
                    round.refuse(&device.name, "it does not answer");
                    break;
                }
            }
        }
    }
    if let Err(why) = client.stop().await {
        tracing::debug!(%why, "the socket for BACnet did not close");
    }
}

async fn present_value(
    client: &BACnetClient<BipTransport>,
    address: SocketAddr,
    object: &Object,
) -> Result<f64, String> {
    let SocketAddr::V4(address) = address else { return Err("BACnet/IP is asked by IPv4".into()) };
    // The link's address of BACnet/IP (annex J): four bytes and the port.
    let mac = [&address.ip().octets()[..], &address.port().to_be_bytes()].concat();
    let id =
        ObjectIdentifier::new(object.object.object_type(), object.instance).map_err(|why| why.to_string())?;
    let answer = client.read_property(&mac, id, PropertyIdentifier::PRESENT_VALUE, None).await;
    let answer = answer.map_err(|why| why.to_string())?;
    let (value, _) = decode_application_value(&answer.property_value, 0).map_err(|why| why.to_string())?;
    match value {
        PropertyValue::Real(number) => Ok(f64::from(number)),
        PropertyValue::Double(number) => Ok(number),
        PropertyValue::Unsigned(number) if number < 1 << 53 => Ok(number as f64),
        PropertyValue::Signed(number) => Ok(f64::from(number)),
        PropertyValue::Enumerated(number) => Ok(f64::from(number)),
        PropertyValue::Boolean(value) => Ok(f64::from(u8::from(value))),
        _ => Err("its present value is not a number".into()),
    }
}
