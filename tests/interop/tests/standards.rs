//! Merkle trees, tiles, checkpoints and notes of ours beside those of crates that we did not write.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::Sha256;
use signed_note::{Note as OtherNote, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::tile::Tile as OtherTile;
use tracing_audit::format::{
    Checkpoint, Hash, Note, SigningKey, TileName, Tree, VerifierKey, inclusion_proof, leaf_hash,
};

fn line(n: u64) -> Vec<u8> {
    format!("{{\"seq\":{n}}}").into_bytes()
}

#[test]
fn an_independent_tree_has_the_same_root_at_every_size() {
    let mut ours = Tree::new();
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for n in 0..1_300 {
        assert_eq!(ours.root()[..], theirs.root().as_bytes()[..], "at {n}");
        ours.push(leaf_hash(&line(n)), |_| {});
        theirs.push(line(n));
    }
    for n in 1_300..66_000 {
        ours.push(leaf_hash(&line(n)), |_| {});
        theirs.push(line(n));
    }
    assert_eq!(ours.root()[..], theirs.root().as_bytes()[..]);
}

#[test]
fn an_independent_tree_has_the_same_inclusion_proofs() {
    for size in [1, 2, 3, 7, 8, 255, 256, 257, 600, 1_000] {
        let mut tiles: BTreeMap<(u8, u64), Vec<Hash>> = BTreeMap::new();
        let mut ours = Tree::new();
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for n in 0..size {
            ours.push(leaf_hash(&line(n)), |tile| {
                tiles.insert((tile.level, tile.index), tile.hashes.to_vec());
            });
            theirs.push(line(n));
        }
        for tile in ours.partial() {
            tiles.insert((tile.level, tile.index), tile.hashes.to_vec());
        }
        for index in (0..size).step_by(if size < 20 { 1 } else { 37 }) {
            let proof = inclusion_proof(index, size, |level, at, _| Ok(tiles[&(level, at)].clone())).unwrap();
            let theirs = theirs.prove_inclusion(index as usize);
            assert_eq!(proof.concat(), theirs.as_bytes(), "{index} of {size}");
        }
    }
}

#[test]
fn an_independent_reader_names_tiles_as_we_do() {
    for (level, index, width) in [
        (0, 0, 256),
        (0, 1_234_067, 256),
        (1, 999, 255),
        (2, 1_000, 1),
        (3, 12, 7),
    ] {
        let ours = TileName { level, index, width };
        let theirs = OtherTile::new(8, level, index, u32::from(width), false);
        assert_eq!(theirs.path().replacen("tile/8/", "tile/", 1), ours.to_string());
    }
}

fn checkpoint(origin: &str) -> Checkpoint {
    Checkpoint {
        origin: origin.to_owned(),
        size: 20_852_163,
        root: leaf_hash(b"any"),
    }
}

#[test]
fn an_independent_reader_understands_our_checkpoints_and_we_theirs() {
    let ours = checkpoint("example.com/log/main-0123456789ab");
    let theirs = tlog_tiles::Checkpoint::from_bytes(ours.to_string().as_bytes()).unwrap();
    assert_eq!(
        (theirs.origin(), theirs.size()),
        (ours.origin.as_str(), ours.size)
    );
    assert_eq!(theirs.hash().0, ours.root);
    let again = String::from_utf8(theirs.to_bytes()).unwrap();
    assert_eq!(Checkpoint::parse(&again).unwrap(), ours);
}

#[test]
fn an_independent_verifier_accepts_our_notes_and_refuses_changed_ones() {
    let key = SigningKey::generate("example.com/log").unwrap();
    let key = key.for_stream("main-0123456789ab").unwrap();
    let note = key.sign(&checkpoint(key.verifier().name())).unwrap().to_string();
    let verifier = StandardVerifier::new(&key.verifier().to_string()).unwrap();
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let (by, unknown) = OtherNote::from_bytes(note.as_bytes())
        .unwrap()
        .verify(&known)
        .unwrap();
    assert_eq!((by.len(), unknown.len()), (1, 0));
    let changed = note.replace("20852163", "20852164");
    assert!(
        OtherNote::from_bytes(changed.as_bytes())
            .unwrap()
            .verify(&known)
            .is_err()
    );
}

#[test]
fn we_verify_what_an_independent_signer_signed_with_a_key_of_ours() {
    let key = SigningKey::generate("example.com/log").unwrap();
    let signer = StandardSigner::new(&key.to_text().unwrap()).unwrap();
    let text = checkpoint("example.com/log").to_string();
    let mut note = OtherNote::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&signer]).unwrap();
    let ours = Note::parse(&note.to_bytes()).unwrap();
    let public: VerifierKey = key.verifier().to_string().parse().unwrap();
    assert!(ours.is_signed_by(&public));
    let other = SigningKey::generate("example.com/log").unwrap();
    assert!(!ours.is_signed_by(other.verifier()));
}
