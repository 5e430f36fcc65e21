//! Which keys are believed, and what a revocation leaves unproven.
//!
//! Trust starts at a key that was given, and where none was, at the one the genesis names. From there it goes along the
//! rotations, which both keys signed: back always, for who takes over vouches for what was there; forward unless the key
//! that named the next was revoked, and no anchor from before the revocation covers the entry where it did. Where the
//! revocation says since when, before is before that.

use std::collections::BTreeMap;

use super::Problems;
use crate::ledger::key_chain::{KeyChain, KeySpan};
use crate::ledger::signed::{Refusal, Signer};
use crate::merkle::Hash;
use crate::merkle::note::VerifierKey;

/// How a claim stands once the log was gone through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub size: u64,
    pub is_anchor: bool,
    /// Whether the log has the root that was signed.
    pub fits: bool,
}

/// What is wrong with a signature, or which of the signers made it.
pub(super) type Signed = Result<Vec<usize>, Refusal>;

/// The keys that were given, and those the ledger has.
#[derive(Debug)]
pub(super) struct Trust {
    /// Those of the ledger, unless the given ones know none of them; then the given ones it has not.
    pub signers: Vec<Signer>,
    given: Vec<VerifierKey>,
    chain: Option<KeyChain>,
}

impl Trust {
    /// `chain` as the ledger has it, `given` from elsewhere. Says so where the two have nothing in common.
    pub fn new(chain: Option<KeyChain>, given: &[VerifierKey], problems: &mut Problems) -> Self {
        let is_known = |span: &KeySpan| given.contains(&span.key);
        let chain = match chain {
            Some(chain) if !given.is_empty() && !chain.spans().iter().any(is_known) => {
                let named = chain.spans().iter().map(|span| format!("`{}`", span.key)).collect::<Vec<_>>().join(", ");
                let detail = format!("the ledger names the key {named}, which is none of those given");
                problems.add("wrong_key", Some(0), None, detail);
                None
            }
            chain => chain,
        };
        let mut signers = chain.as_ref().map(KeyChain::signers).unwrap_or_default();
        for key in given {
            if !signers.iter().any(|signer| signer.key == *key) {
                signers.push(Signer::of_any_size(key.clone()));
            }
        }
        Self { signers, given: given.to_vec(), chain }
    }

    /// The roots that rotations were signed at, by the entries that record them.
    pub fn roots(&self) -> BTreeMap<i64, Hash> {
        let rotations = self.chain.iter().flat_map(KeyChain::rotations);
        rotations.filter_map(|rotation| Some((i64::try_from(rotation.size).ok()?, rotation.root))).collect()
    }

    /// What is wrong with each signature, revocations counted in; and how many entries they leave proven at most.
    pub fn settle(
        &self,
        signed: BTreeMap<usize, Signed>,
        standing: &[Standing],
        problems: &mut Problems,
    ) -> (BTreeMap<usize, Option<Refusal>>, u64) {
        let Some(chain) = &self.chain else { return (refusals(signed, |_, _| None), u64::MAX) };
        let older = |most: u64| {
            let counts = |(place, claim): &(usize, &Standing)| {
                let is_signed = matches!(signed.get(place), Some(Ok(_)));
                claim.is_anchor && claim.fits && is_signed && claim.size <= most
            };
            standing.iter().enumerate().filter(counts).map(|(_, claim)| claim.size).max().unwrap_or(0)
        };
        let covered: Vec<u64> = chain.spans().iter().map(|span| span.trusted_to().map_or(u64::MAX, older)).collect();
        let mut proven = u64::MAX;
        for (span, covered) in chain.spans().iter().zip(&covered) {
            let (Some(revoked), Some(to)) = (span.revoked_at, span.to) else { continue };
            if *covered < to {
                proven = proven.min(*covered);
                let since = span.since.map(|since| format!(" since size {since}")).unwrap_or_default();
                let detail = format!(
                    "entries {covered} to {} stand on `{}`, which entry {revoked} revoked{since}, and no anchor from \
                     before covers them",
                    to - 1,
                    span.key
                );
                problems.add("unproven", i64::try_from(*covered).ok(), None, detail);
            }
        }
        let believed = self.believed(chain, &covered, problems);
        let why = |claim: usize, by: &[usize]| {
            let is_believed = |place: &usize| believed.get(*place).copied().unwrap_or(true);
            let size = standing.get(claim).map_or(u64::MAX, |claim| claim.size);
            let is_late = |span: &KeySpan| span.since.is_some_and(|since| size > since);
            let late = by.iter().map(|place| chain.spans().get(*place).filter(|span| is_late(span)));
            if let Some(Some(first)) = late.collect::<Option<Vec<_>>>().map(|late| late.first().copied()) {
                let why = format!(
                    "it is of size {size}, and signed by `{}`, which may have been in other hands since size {}",
                    first.key,
                    first.since.unwrap_or_default()
                );
                return Some(Refusal::Unproven(why));
            }
            let first = by.iter().find_map(|place| chain.spans().get(*place))?;
            let why = format!("it is signed by `{}`, which only a revoked key vouches for", first.key);
            (!by.iter().any(is_believed)).then_some(Refusal::Unproven(why))
        };
        (refusals(signed, why), proven)
    }

    /// Which keys of the ledger are believed, by their places.
    fn believed(&self, chain: &KeyChain, covered: &[u64], problems: &mut Problems) -> Vec<bool> {
        let spans = chain.spans();
        let mut believed: Vec<bool> = spans.iter().map(|span| self.given.contains(&span.key)).collect();
        match believed.iter().rposition(|given| *given) {
            Some(last) => believed[..last].fill(true),
            None => believed[0] = true,
        }
        for (place, rotation) in chain.rotations().iter().enumerate() {
            if believed[place + 1] {
                continue;
            }
            believed[place + 1] = believed[place] && covered[place] > rotation.size;
            if believed[place] && !believed[place + 1] {
                let detail = format!(
                    "`{}` is the ledger's key by the word of `{}` alone, which was revoked: give the key itself, or an \
                     anchor from before that covers entry {}",
                    rotation.to, rotation.from, rotation.size
                );
                problems.add("unproven", i64::try_from(rotation.size).ok(), None, detail);
            }
        }
        believed
    }
}

fn refusals(
    signed: BTreeMap<usize, Signed>,
    why: impl Fn(usize, &[usize]) -> Option<Refusal>,
) -> BTreeMap<usize, Option<Refusal>> {
    let judged = |place: usize, signed: Signed| match signed {
        Ok(by) => why(place, &by),
        Err(refusal) => Some(refusal),
    };
    signed.into_iter().map(|(place, signed)| (place, judged(place, signed))).collect()
}
