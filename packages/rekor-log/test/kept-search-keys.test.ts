/** Search keys beside a leaf, as releases before have kept them: an index that is built anew holds nothing that was made up. */
import { sha256Hex } from '@sigstack/crypto'
import t from 'tap'
import { encodeSearchKeys, searchKeysOfEntry } from '../src/search/search-keys.ts'

const hash = sha256Hex('artifact')
const other = sha256Hex('key of somebody else')
const pem = 'AA=='
const keyHash = sha256Hex(Buffer.from(pem, 'base64'))
const digest = (value: string) => ({ algorithm: 'sha256', value })
const leafOf = (kind: string, spec: unknown) =>
  Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind, spec }))
const dsse = leafOf('dsse', {
  envelopeHash: digest(hash),
  payloadHash: digest(hash),
  signatures: [{ signature: 'AA==', verifier: pem }],
})
const extraOf = (keys: unknown) => Buffer.from(JSON.stringify(keys))
const keysOf = (leaf: Uint8Array, keys: unknown) =>
  searchKeysOfEntry({ leaf, extra: extraOf(keys) }).filter((key) => typeof key === 'string')

t.test('kept keys count where they are digests or stand in the body', (t) => {
  const kept = [
    keyHash,
    `sha256:${keyHash}`,
    `sha256:${hash}`,
    'gitcommit:ab',
    other,
    'ceo@example.org',
    'https://github.com/acme/app',
  ]
  t.same(keysOf(dsse, kept), kept.slice(0, 4))
  t.same(keysOf(Buffer.from('no JSON'), kept), kept.slice(1, 4), 'whatever can be read of the body')
  t.same(keysOf(dsse, { no: 'list' }), [])
  t.end()
})

t.test('keys that are kept now are found again, all of them', (t) => {
  const searchKeys = [keyHash, `sha256:${keyHash}`, `sha256:${hash}`, 'sha1:cd']
  const verified = { kind: 'dsse', apiVersion: '0.0.1', body: dsse, verifiers: [], searchKeys } as const
  const extra = encodeSearchKeys(verified)
  t.same(
    searchKeysOfEntry({ leaf: dsse, extra }).filter((key) => typeof key === 'string'),
    searchKeys,
  )
  t.end()
})
