/** Services as options name them, in cosign's form: `url=…,certificate-chain=FILE,start-time=…`. */
import { X509Certificate } from 'node:crypto'
import { noteKeyId } from '@sigstack/checkpoint'
import {
  keyFingerprint,
  type PublicKey,
  parsePemBlocks,
  parsePublicKeyPem,
  publicKeyDetails,
  quoted,
  reasonOf,
  timeOf,
} from '@sigstack/crypto'
import {
  type CertificateAuthority,
  demandChain,
  type OpenValidityPeriod,
  type Service,
  type ServiceConfiguration,
  subjectOf,
  type TrustedLog,
} from '@sigstack/trust-root'
import { CliError } from '../errors.ts'
import { readLocation } from '../location.ts'

type Words = Readonly<Record<string, string>>

/** Throws `bad_usage`; `read` says what is wrong without saying where. */
async function within<Result>(kind: string, read: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await read()
  } catch (cause) {
    throw new CliError('bad_usage', `parsing ${kind} spec: ${reasonOf(cause)}`, { cause })
  }
}

export function readAuthority(kind: 'fulcio' | 'tsa', text: string): Promise<CertificateAuthority> {
  return within(kind, async () => {
    const words = wordsOf(text, ['url', 'certificate-chain', 'start-time', 'end-time'])
    const [url, file] = demand(words, ['url', 'certificate-chain'], `in ${kind} spec`)
    const certificates = await readCertificates(file)
    const [lowest, root] = [certificates[0], certificates.at(-1)]
    if (lowest === undefined || root === undefined) throw new Error(`no certificates in file ${file}`)
    if (kind === 'tsa' && lowest.ca) throw new Error('first certificate in chain must be a leaf certificate')
    const chain = certificates.map(({ raw }) => new Uint8Array(raw))
    demandChain(url, chain)
    // Until when it may issue is for whoever closes it to say.
    const first = kind === 'tsa' ? lowest : root
    return {
      subject: subjectOf(root),
      uri: url,
      chain,
      validFor: { start: new Date(first.validFrom), ...periodOf(words) },
    }
  })
}

export function readLog(kind: 'rekor' | 'ctfe', text: string): Promise<TrustedLog> {
  return within(kind, async () => {
    const words = wordsOf(text, ['url', 'public-key', 'start-time', 'end-time', 'origin'])
    const [url, file] = demand(words, ['url', 'public-key', 'start-time'], 'in tlog spec')
    const key = await readKey(file)
    const { start, end } = periodOf(words)
    if (start === undefined) throw new Error("missing or empty required key 'start-time' in tlog spec")
    const { origin } = words
    return {
      baseUrl: url,
      publicKey: key.spki,
      keyDetails: publicKeyDetails(key),
      logId: origin !== undefined ? noteKeyId(origin, key) : keyFingerprint(key),
      validFor: { start, ...(end && { end }) },
    }
  })
}

export function readService(kind: string, text: string): Promise<Service> {
  return within(kind, () => {
    const words = wordsOf(text, ['url', 'api-version', 'start-time', 'end-time', 'operator'])
    const [url, version, , operator] = demand(
      words,
      ['url', 'api-version', 'start-time', 'operator'],
      'in service spec',
    )
    if (!/^[1-9][0-9]{0,8}$/.test(version))
      throw new Error(`api-version is no number: ${quoted(version, 40)}`)
    return { url, majorApiVersion: Number(version), validFor: periodOf(words), operator }
  })
}

/** `ANY`, `ALL` or `EXACT:COUNT`. */
export function readSelection(option: string, text: string): ServiceConfiguration {
  const [selector, count, ...more] = text.toUpperCase().split(':')
  if ((selector === 'ANY' || selector === 'ALL') && count === undefined) return { selector }
  if (selector === 'EXACT' && more.length === 0 && /^[1-9][0-9]{0,3}$/.test(count ?? ''))
    return { selector, count: Number(count) }
  throw new CliError(
    'bad_usage',
    `parsing ${option}: ${quoted(text, 40)} is none of ANY, ALL and EXACT:<count>, for example EXACT:2`,
  )
}

function wordsOf(text: string, known: readonly string[]): Words {
  const pairs = text.split(',').map((pair) => {
    const at = pair.indexOf('=')
    if (at < 0) throw new Error(`invalid key-value pair: ${quoted(pair, 100)}`)
    const name = pair.slice(0, at).trim()
    // A mistyped end-time would trust for ever.
    if (!known.includes(name))
      throw new Error(`unknown key ${quoted(name, 60)}; known are ${known.join(', ')}`)
    return [name, pair.slice(at + 1).trim()] as const
  })
  const twice = pairs.find(([name], at) => pairs.findIndex(([other]) => other === name) !== at)
  if (twice !== undefined) throw new Error(`the key ${twice[0]} is there twice`)
  return Object.fromEntries(pairs)
}

function demand<const Names extends readonly string[]>(
  words: Words,
  names: Names,
  where: string,
): { [At in keyof Names]: string } {
  return names.map((name) => {
    const value = words[name]
    if (value) return value
    throw new Error(`missing or empty required key '${name}' ${where}`)
  }) as { [At in keyof Names]: string }
}

function periodOf(words: Words): OpenValidityPeriod {
  const time = (name: string): Date | undefined => {
    const value = words[name]
    return value ? timeOf({ value, path: name }) : undefined
  }
  const [start, end] = [time('start-time'), time('end-time')]
  if (start !== undefined && end !== undefined && end < start)
    throw new Error('end-time is before start-time')
  return { ...(start && { start }), ...(end && { end }) }
}

async function readCertificates(file: string): Promise<readonly X509Certificate[]> {
  const blocks = parsePemBlocks(await readLocation(file, 'certificates'), 16)
  return blocks.map(({ type, der }) => {
    if (type !== 'CERTIFICATE')
      throw new Error(`${file} holds ${quoted(type, 60)}, where a certificate should be`)
    return new X509Certificate(der)
  })
}

async function readKey(file: string): Promise<PublicKey> {
  const text = await readLocation(file, 'public key')
  try {
    return parsePublicKeyPem(text)
  } catch (cause) {
    throw new Error(`${file} is no public key in PEM: ${reasonOf(cause)}`, { cause })
  }
}
