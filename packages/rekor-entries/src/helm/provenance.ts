/** Helm provenance files: a clear-signed message of two YAML documents, of which the second lists the chart's digest. */
import { asBuffer, isObject, memberAt, utf8 } from '@sigstack/crypto'
import { isScalar, parseDocument, visit } from 'yaml'
import { EntryError } from '../errors.ts'
import { parsing } from '../foreign.ts'
import { findArmor } from '../keys/pgp/armor.ts'
import { openpgp } from '../keys/pgp/openpgp.ts'
import { spend } from '../work.ts'

export type Provenance = {
  readonly chartHash: { readonly algorithm: 'sha256'; readonly value: string }
  /** The signature's packets, without armour. */
  readonly signature: Uint8Array
  /** The text as it is signed: lines end in CRLF, and have no white space at their end. */
  readonly signedBytes: Uint8Array
}

/** One line for each file, of which a chart has one. */
const sumsLimit = 2 * 1024
/** Characters of YAML that are read for the price of one check of a signature. */
const sumsPerUnit = 128
/** More than any Chart.yaml has; the library takes each line apart. */
const lineLimit = 5000

const signatureBegin = '\n-----BEGIN PGP SIGNATURE-----'

/** Throws `bad_format`. */
export async function parseProvenance(content: Uint8Array): Promise<Provenance> {
  const file = asBuffer(content).toString('utf8')
  if (hasMoreLines(file)) throw malformed(`more than ${lineLimit} lines in provenance file`)
  const message = await parsing('unable to decode provenance file', () =>
    openpgp().readCleartextMessage({ cleartextMessage: file }),
  )
  // The library would write the packets anew; the log keeps them as they are.
  const armor = await parsing('unable to decode provenance file', () =>
    findArmor(file.slice(file.lastIndexOf(signatureBegin) + 1)),
  )
  if (armor === undefined) throw malformed('unable to locate armored signature in provenance file')
  const text = message.getText()
  return {
    chartHash: await parseChartHash(text),
    signature: armor.bytes,
    signedBytes: utf8(text.replaceAll('\n', '\r\n')),
  }
}

async function parseChartHash(text: string): Promise<Provenance['chartHash']> {
  const [, sums] = text.split('\n...\n', 2)
  if (sums === undefined)
    throw malformed('error occurred parsing message block: message block must have at least two parts')
  if (sums.length > sumsLimit) throw malformed(`more than ${sumsLimit} characters of checksums`)
  spend(sums.length / sumsPerUnit)
  const collection = await parsing('error occurred parsing SumCollection', () => parseSums(sums))
  const files = memberAt(collection, 'files')
  if (!isObject(files)) throw malformed('unable to locate chart hash')
  const [entry] = Object.values(files)
  if (entry === undefined) throw malformed('no checksums found')
  // What else might stand here could never be read back: the schema of a stored entry knows only this.
  const value = typeof entry === 'string' ? /^sha256:([0-9a-fA-F]{64})$/.exec(entry)?.[1] : undefined
  if (value === undefined) throw malformed('invalid hash found in Provenance file')
  return { algorithm: 'sha256', value: value.toLowerCase() }
}

/** The library would compare every name with every other, so that it is told not to, and names are looked up here. */
function parseSums(sums: string): unknown {
  const document = parseDocument(sums, { uniqueKeys: false })
  const [error] = document.errors
  if (error !== undefined) throw error
  visit(document, {
    Map: (_, { items }) => {
      const names = new Set<string>()
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : ''
        if (!isScalar(key) || names.has(name)) throw malformed('checksums: a name is no text, or comes twice')
        names.add(name)
      }
    },
  })
  return document.toJS({ maxAliasCount: 0 })
}

function hasMoreLines(file: string): boolean {
  let count = 0
  for (let at = file.indexOf('\n'); at !== -1; at = file.indexOf('\n', at + 1))
    if (++count > lineLimit) return true
  return false
}

function malformed(reason: string): EntryError {
  return new EntryError('bad_format', reason)
}
