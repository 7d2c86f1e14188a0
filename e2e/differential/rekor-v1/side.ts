/** One of the two logs as the comparison sees it: what of its answers is its own, and a checker that holds it to all of them. */
import { parsePublicKeyPem } from '@sigstack/crypto'
import { type Checker, createChecker } from '../../support/checker/checker.ts'

export type Side = {
  readonly url: string
  readonly treeId: string
  /** As entry IDs begin. */
  readonly treeHex: string
  readonly checker: Checker
  /** Leaf hashes of all entries that it has answered. */
  readonly leafHashes: Set<string>
  /** Takes out of a text what must differ between two logs. */
  normalise(text: string): string
}

export async function openSide(url: string): Promise<Side> {
  const key = await (await fetch(`${url}/api/v1/log/publicKey`)).text()
  const { treeID: treeId } = (await (await fetch(`${url}/api/v1/log`)).json()) as { treeID: string }
  const checker = createChecker()
  checker.trust(parsePublicKeyPem(key))
  const treeHex = BigInt(treeId).toString(16).padStart(16, '0')
  return {
    url,
    treeId,
    treeHex,
    leafHashes: new Set(),
    checker,
    normalise: (text) =>
      text
        .replaceAll(treeId, '<tree>')
        .replaceAll(treeHex, '<tree in hex>')
        .replaceAll(/(?<=observable\()\d+/g, '<size>')
        // In a random order where upstream lists them.
        .replaceAll('POST,GET', 'GET,POST'),
  }
}
