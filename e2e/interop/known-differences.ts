/** Pairs of clients that do not understand each other on any stack, public ones included. */

const differences: readonly {
  readonly signer: RegExp
  readonly verifier: RegExp
  readonly reason: string
}[] = [
  {
    signer: /^(?:cosign-v[23]|sigstack) \(attest\)$/,
    verifier: /^sigstore-python/,
    reason:
      'cosign, and sigstack after it, write in-toto statements of version 0.1 when they are given a predicate, sigstore-python reads version 1 only; see the row where cosign is given the statement',
  },
  {
    signer: /^cosign-v2 \(attest\)$/,
    verifier: /^sigstore-rs/,
    reason:
      'cosign 2 logs its envelope with an empty key ID and leaves that out of the bundle, and sigstore-rs compares the digest of the envelope in the bundle with the logged one',
  },
]

export function knownDifference(signer: string, verifier: string): string | undefined {
  return differences.find((each) => each.signer.test(signer) && each.verifier.test(verifier))?.reason
}
