//! Who vouches for bundles.

use std::sync::Arc;

use ordain_ir::signature::PrivateKey;

use super::Names;
use super::fixtures::{Packed, at, audit_example, varied};
use crate::{Activation, PageRequest, Store, Voucher, Vouchers};

const ALL: PageRequest<'static> = PageRequest::FIRST;

pub(super) async fn who_vouches_for_a_bundle_is_kept<S: Store>(store: Arc<S>, names: Names) {
    let (tenant, other) = (names.tenant("a"), names.tenant("b"));
    let (first, second) = (Packed::new(audit_example()), varied());
    let [ours, theirs] = [1, 2].map(|seed| PrivateKey::from_seed([seed; 32]));
    let known = async |digest: &str| store.bundle_vouchers(&tenant, digest).await.expect("tells");
    assert_eq!(known(&first.digest).await, Vouchers::default(), "nobody has it");

    let stored = store.store_bundle(&tenant, first.activation(at(0))).await.expect("stores");
    assert_eq!((stored.signers, known(&first.digest).await), (vec![], Vouchers::default()));
    // One that is there already gets further signatures, and is the same otherwise.
    let [by_us, by_them] = [&ours, &theirs].map(|key| key.sign(&first.content));
    let with = |voucher, seconds| Activation { voucher, ..first.activation(at(seconds)) };
    let signed = store.store_bundle(&tenant, with(Voucher::Signer(&by_them), 1)).await.expect("stores");
    assert_eq!((signed.signers.as_slice(), signed.uploaded_at), (&[theirs.public().to_string()][..], at(0)));
    let active = store.activate_bundle(&tenant, with(Voucher::Signer(&by_us), 2)).await.expect("activates");
    let mut signatures = vec![by_us, by_them];
    signatures.sort_by_key(|signature| signature.key.to_string());
    let signers: Vec<_> = signatures.iter().map(|signature| signature.key.to_string()).collect();
    assert_eq!(active.signers, signers);
    assert_eq!(known(&first.digest).await, Vouchers { signatures: signatures.clone(), decided: None });
    // The same key again, and nobody anew: nothing is forgotten.
    store.store_bundle(&tenant, with(Voucher::Signer(&by_us), 3)).await.expect("stores");
    store.activate_bundle(&tenant, with(Voucher::Nobody, 4)).await.expect("activates");
    assert_eq!(known(&first.digest).await.signatures, signatures);
    assert_eq!(store.bundles(&tenant, ALL).await.expect("lists").items[0].signers, signers);
    assert_eq!(store.active_bundle(&tenant).await.expect("gives").expect("is there").signers, signers);

    // What people decide out of nothing, and then upon something.
    let people = |on| Activation { voucher: Voucher::People { on }, ..second.activation(at(5)) };
    let record = store.activate_bundle(&tenant, people(None)).await.expect("activates");
    assert!(record.signers.is_empty());
    assert_eq!(known(&second.digest).await, Vouchers { signatures: vec![], decided: Some(None) });
    store.activate_bundle(&tenant, people(Some(&first.digest))).await.expect("activates");
    store.activate_bundle(&tenant, second.activation(at(6))).await.expect("activates");
    let decided = Some(Some(first.digest.clone()));
    assert_eq!(known(&second.digest).await, Vouchers { signatures: vec![], decided });
    assert_eq!(known(&first.digest).await.decided, None);

    assert_eq!(store.bundle_vouchers(&other, &first.digest).await.expect("tells"), Vouchers::default());
    let theirs = store.store_bundle(&other, first.activation(at(7))).await.expect("stores");
    assert!(theirs.signers.is_empty(), "what others vouch for to somebody else says nothing here");
}
