//! Frames with each head and each ready entry in the place of its number: what is read entry by entry has all its keys in the frame.

use super::rules::RULES;
use super::walk::Walk;
use crate::record::frame::{HEADER, mark};
use crate::record::heads;

/// How many bytes a number has with the mark before it.
const NUMBERED: usize = 3;

/// Appends the frame to `out`, with nothing left that has a number; `false` where nothing had one. What cannot be read is copied as it
/// is.
pub(super) fn spell(frame: &[u8], out: &mut Vec<u8>) -> bool {
    let mut walk = Walk { frame, at: HEADER };
    let mut copied = 0;
    loop {
        let at = walk.at;
        let Some(head) = step(&mut walk) else { break };
        if let Some(head) = head {
            out.extend_from_slice(frame.get(copied..at).unwrap_or_default());
            out.extend_from_slice(head);
            copied = at + NUMBERED;
        }
    }
    out.extend_from_slice(frame.get(copied..).unwrap_or_default());
    copied > 0
}

/// Steps over the next entry; answers its head, or all of it, where there is a number instead.
fn step(walk: &mut Walk<'_>) -> Option<Option<&'static [u8]>> {
    let first = walk.byte()?;
    let mut numbered = None;
    match first {
        mark::NUMBERED => {
            numbered = Some(heads::head(walk.take()?)?);
            walk.skip(0)?;
        }
        mark::READY => numbered = Some(heads::ready(walk.take()?)?.0),
        mark::KEYED => {
            walk.byte()?;
            name(walk)?;
            walk.skip(0)?;
        }
        // The entry behind it is the next one.
        mark::ERASABLE => name(walk)?,
        mark::LEVEL => {}
        mark::REMARK => {
            walk.slice(3)?;
            (0..3).try_for_each(|_| name(walk))?;
        }
        mark::CUT => {
            walk.slice(8)?;
            name(walk)?;
        }
        slot => {
            RULES.get(usize::from(slot))?;
            walk.skip(0)?;
        }
    }
    Some(numbered)
}

fn name(walk: &mut Walk<'_>) -> Option<()> {
    let len = walk.byte()?;
    walk.slice(usize::from(len)).map(drop)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The frame with numbers in the place of short heads; every so many are left as they are.
    pub(in super::super) fn numbered(frame: &[u8], but_each: usize) -> Vec<u8> {
        let mut walk = Walk { frame, at: HEADER };
        let mut out = frame[..HEADER].to_vec();
        let mut nth = 0;
        loop {
            let at = walk.at;
            if step(&mut walk).is_none() {
                break;
            }
            let entry = &frame[at..walk.at];
            let head = match entry {
                [mark::KEYED, _, len, ..] => 3 + usize::from(*len),
                _ => 1,
            };
            nth += 1;
            // Long ones have names without end, and numbers have not.
            let is_numbered = head < 10 && nth % but_each != 0;
            match is_numbered.then(|| heads::number(&entry[..head])).flatten() {
                Some(number) => {
                    out.push(mark::NUMBERED);
                    out.extend(number.to_le_bytes());
                }
                None => out.extend(&entry[..head]),
            }
            out.extend(&entry[head..]);
        }
        out
    }
    use crate::record::Slot;
    use crate::record::frame::Put;

    fn keyed(name: &str) -> Vec<u8> {
        let mut head = Vec::new();
        Put::keyed(&mut head, Slot::Attributes, name);
        head
    }

    /// Entries of every kind, with numbers for heads or without.
    fn frame(is_numbered: bool) -> Vec<u8> {
        let head = |bytes: &[u8]| match is_numbered {
            true => {
                let [low, high] = heads::number(bytes).expect("a number").to_le_bytes();
                vec![mark::NUMBERED, low, high]
            }
            false => bytes.to_vec(),
        };
        let mut frame = vec![7; HEADER];
        let ready = {
            let mut entry = keyed("secret");
            Put::str(&mut entry, "[REDACTED]");
            entry.extend([mark::REMARK, 1, 1, 0]);
            ["name.secret", "", "secret"]
                .iter()
                .for_each(|name| Put::key(&mut entry, name));
            entry
        };
        for round in 0..3 {
            match is_numbered {
                true => {
                    let [low, high] = heads::ready_number(&ready).expect("a number").to_le_bytes();
                    frame.extend([mark::READY, low, high]);
                }
                false => frame.extend(&ready),
            }
            frame.extend(head(&[Slot::Action.index()]));
            Put::str(&mut frame, "document.share");
            frame.push(mark::LEVEL);
            frame.extend(head(&keyed("spelled.key")));
            Put::u64(&mut frame, round);
            frame.extend([mark::REMARK, 1, 1, 0]);
            ["rule", "email", "field"]
                .iter()
                .for_each(|name| Put::key(&mut frame, name));
            frame.extend([mark::CUT]);
            frame.extend(9_u64.to_le_bytes());
            Put::key(&mut frame, "attributes.x");
            frame.push(mark::ERASABLE);
            Put::key(&mut frame, "actor.id");
            frame.extend(keyed("erasable"));
            // The bytes of a value may look like a number's.
            Put::bytes(&mut frame, &[mark::NUMBERED, 0, 0, mark::NUMBERED]);
            frame.push(Slot::Outcome.index());
            Put::str(&mut frame, "success");
            frame.extend(head(&keyed("truth")));
            Put::bool(&mut frame, true);
        }
        frame
    }

    #[test]
    fn a_frame_that_is_spelled_out_is_what_it_would_have_been_without_numbers() {
        let mut out = Vec::new();
        assert!(spell(&frame(true), &mut out));
        assert_eq!(out, frame(false));
        let plain = std::mem::take(&mut out);
        assert!(!spell(&plain, &mut out));
        assert_eq!(out, plain);
    }

    #[test]
    fn what_cannot_be_read_is_copied_as_it_is() {
        let whole = frame(true);
        for len in 0..whole.len() {
            let cut = &whole[..len];
            let mut out = Vec::new();
            spell(cut, &mut out);
            // All of a ready entry can be read where its number can.
            let is_spelled = matches!(cut, [.., mark::READY, _, _]);
            assert!(is_spelled || out.ends_with(&cut[len - len.min(1)..]), "{len}");
        }
    }
}
