//! How far a reader of the live page has come: a place per stream, as an address and the id of an event carry it.

use std::fmt;
use std::str::FromStr;

use tracing_audit::store::Cursor;

use crate::out::Failure;
use crate::words::harmless;

/// What tells places from one place, and what stands between them.
const MARK: &str = "each";
const BETWEEN: char = ',';

/// The most streams that are written: an address has an end. One that is not is sent from its beginning, so what is left
/// out here comes twice and is never omitted.
const MOST: usize = 512;

/// What a reader has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Places {
    /// The last record of every stream. Of a stream that is not named the reader has nothing.
    Each(Vec<Cursor>),
    /// Everything up to one place among all streams: what an earlier version wrote, and what a list's row says.
    One(Cursor),
}

impl Places {
    /// The last place that the reader has in each of these streams; none in a stream that is left out.
    pub(super) fn among(&self, streams: &[Cursor]) -> Vec<Cursor> {
        match self {
            Self::Each(places) => places.clone(),
            Self::One(place) => streams.iter().filter_map(|of| before(place, of)).collect(),
        }
    }
}

/// The last place in a stream that is not behind this one.
fn before(place: &Cursor, stream: &Cursor) -> Option<Cursor> {
    let (observed_at, seq) = match stream.stream.cmp(&place.stream) {
        std::cmp::Ordering::Less => (place.observed_at, u64::MAX),
        std::cmp::Ordering::Equal => (place.observed_at, place.seq),
        std::cmp::Ordering::Greater => (place.observed_at.checked_sub(1)?, u64::MAX),
    };
    Some(Cursor {
        observed_at,
        stream: stream.stream.clone(),
        seq,
    })
}

impl fmt::Display for Places {
    /// An id has no end of line, and a header no letter beyond ASCII, whatever a hostile file calls its stream.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = match self {
            Self::Each(places) => {
                f.write_str(MARK)?;
                places
            }
            Self::One(place) => return place.fmt(f),
        };
        for Cursor {
            observed_at,
            stream,
            seq,
        } in places.iter().skip(places.len().saturating_sub(MOST))
        {
            write!(f, "{BETWEEN}{observed_at}-{seq}-")?;
            form_urlencoded::byte_serialize(stream.as_bytes()).try_for_each(|part| f.write_str(part))?;
        }
        Ok(())
    }
}

impl FromStr for Places {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let Some(places) = text.strip_prefix(MARK) else {
            return Ok(Self::One(text.parse()?));
        };
        let wrong = || {
            Failure::Usage(format!(
                "`{}` does not say what was seen; reload the page",
                harmless(text)
            ))
        };
        let mut parts = places.split(BETWEEN);
        if parts.next() != Some("") {
            return Err(wrong());
        }
        let place = |part: &str| {
            let mut place: Cursor = part.parse().ok()?;
            let stream = form_urlencoded::parse(place.stream.as_bytes()).next();
            place.stream = stream.map_or_else(|| "".into(), |(stream, _)| stream.as_ref().into());
            Some(place)
        };
        let places: Option<Vec<Cursor>> = parts.map(place).collect();
        places.map(Self::Each).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(observed_at: u64, stream: &str, seq: u64) -> Cursor {
        Cursor {
            observed_at,
            stream: stream.into(),
            seq,
        }
    }

    #[test]
    fn places_are_read_back_whatever_the_streams_are_called() {
        for names in [
            &[][..],
            &["main"],
            &["a,b", "c=d&e", "x\ny", "Straße +%2C", "-", ""],
        ] {
            let each = names.iter().zip(3..).map(|(name, at)| place(at, name, at * 2));
            let places = Places::Each(each.collect());
            let text = places.to_string();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
            assert_eq!(text.parse::<Places>().expect("read"), places);
        }
        let one: Places = "7-3-main".parse().expect("an id of the old form");
        assert_eq!(one, Places::One(place(7, "main", 3)));
        for wrong in ["", "x", "each1-2-a", "each,", "each,1-2", "each,1-2-a,"] {
            assert!(wrong.parse::<Places>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_more_streams_than_are_written_those_with_the_latest_places_are() {
        let places: Vec<Cursor> = (0..600).map(|at| place(at, &format!("s{at}"), at)).collect();
        let text = Places::Each(places.clone()).to_string();
        let read = text.parse::<Places>().expect("read");
        assert_eq!(read, Places::Each(places[600 - MOST..].to_vec()));
    }

    #[test]
    fn one_place_among_all_is_a_place_in_each() {
        let streams = ["a", "m", "z"].map(|name| place(9, name, 9));
        let among = Places::One(place(7, "m", 3)).among(&streams);
        assert_eq!(
            among,
            [place(7, "a", u64::MAX), place(7, "m", 3), place(6, "z", u64::MAX)]
        );
        assert_eq!(Places::One(place(0, "m", 3)).among(&streams[2..]), []);
        let each = vec![place(1, "a", 1)];
        assert_eq!(Places::Each(each.clone()).among(&streams), each);
    }
}
