//! A region without a network in it: all that a plan of new resources asks of AWS is which availability zones there are.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::error::{Error, ErrorKind, Result};

/// The letters of its availability zones: more than any region has, so that no letter is missing.
const LETTERS: std::ops::RangeInclusive<char> = 'a'..='z';

/// A server on this machine that answers for one region until the program ends.
#[derive(Debug)]
pub struct Region {
    name: String,
    endpoint: String,
}

impl Region {
    /// Starts to answer for a region, such as `eu-west-1`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`] if there is no free port.
    pub fn start(name: &str) -> Result<Self> {
        let failed = |source| Error::new(ErrorKind::Service, "cannot listen on 127.0.0.1").because(source);
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(failed)?);
        let answer = availability_zones(name);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that is gone needs no answer.
                let _ = reply(stream, &answer);
            }
        });
        Ok(Self { name: name.to_owned(), endpoint })
    }

    /// Returns the provider of a root in this region, as a block of Terraform.
    pub fn provider(&self) -> String {
        let Self { name, endpoint } = self;
        format!(
            r#"provider "aws" {{
  region                      = "{name}"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {{
    ec2 = "{endpoint}"
  }}
}}
"#
        )
    }
}

fn reply(stream: TcpStream, answer: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

/// Returns the answer to `DescribeAvailabilityZones`; no id is one that EKS refuses.
fn availability_zones(region: &str) -> String {
    let zone = |(idx, letter): (usize, char)| {
        format!(
            "<item><zoneName>{region}{letter}</zoneName><zoneId>test-az{}</zoneId><zoneState>available</zoneState>\
             <regionName>{region}</regionName><zoneType>availability-zone</zoneType>\
             <optInStatus>opt-in-not-required</optInStatus></item>",
            idx + 1
        )
    };
    let zones: String = LETTERS.enumerate().map(zone).collect();
    format!(
        "<DescribeAvailabilityZonesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>test</requestId><availabilityZoneInfo>{zones}</availabilityZoneInfo>\
         </DescribeAvailabilityZonesResponse>"
    )
}
