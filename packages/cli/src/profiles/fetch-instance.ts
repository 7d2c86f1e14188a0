/** The trust of an instance, as it publishes it: over TLS, by its TUF repository, or in a file. */
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { isObject, parseBoundedJson, quoted, reasonOf, withoutEnd } from '@sigstack/crypto'
import { HttpError, networkReason, requestBounded, type TlsSettings } from '@sigstack/http-client'
import { isLoopback } from '@sigstack/server/loopback'
import { parseClientTrustConfig } from '@sigstack/trust-root'
import { openRepository, type ReadFile, type SeenVersions, TufError } from '@sigstack/tuf'
import { CliError } from '../errors.ts'
import { codeOf, textOf } from '../io.ts'
import { isUrl, readBytes, throwIfUntrusted } from '../location.ts'
import { usable } from '../usable.ts'
import { type Instance, instanceOf } from './profile.ts'

const timeoutMs = 20_000
const mostConfigBytes = 1 << 20
const configName = 'trust_config.json'

export type FetchOptions = { readonly tls?: TlsSettings | undefined; readonly now: Date }

/** A client trust config: a file, its URL, or the base URL of an instance that publishes one. */
export async function fetchTrustConfig(location: string, options: FetchOptions): Promise<Instance> {
  if (!isUrl(location))
    return configInstance(location, await readBytes(location, 'client trust config'), options)
  const url = location.endsWith('.json') ? location : `${withoutEnd(location, '/')}/${configName}`
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !isLoopback(hostname))
    throw new CliError(
      'bad_usage',
      `${quoted(url, 200)} is not https, so anybody on the way could change it`,
      {
        advice: 'Give the https URL; or the digest of the root of its TUF repository, with --root-checksum.',
      },
    )
  const bytes = await fetchFile(url, mostConfigBytes, options)
  if (bytes === undefined)
    throw new CliError('unreachable', `${url} is not there (404)`, {
      advice: `Name the service that publishes the trust: the URL under which it has ${configName}.`,
    })
  return configInstance(location, bytes, options)
}

function configInstance(location: string, bytes: Uint8Array, { now }: FetchOptions): Instance {
  const text = textOf(bytes, location, 'client trust config')
  usable(location, () => parseClientTrustConfig(text))
  const value = parseBoundedJson(text)
  const half = (name: string): string => `${JSON.stringify(isObject(value) ? value[name] : null, null, 2)}\n`
  return instanceOf(location, now, { trustedRoot: half('trustedRoot'), signingConfig: half('signingConfig') })
}

export type TufSource = {
  /** An http or https URL, or `file://` of a copy. */
  readonly mirror: string
  /** The root that is trusted to begin with. */
  readonly root: Uint8Array
  readonly seen?: SeenVersions | undefined
}

export async function fetchByTuf(
  from: string,
  { mirror, root, seen }: TufSource,
  options: FetchOptions,
): Promise<Instance> {
  const repository = await believed(
    mirror,
    openRepository(readerOf(mirror, options), root, seen, options.now),
  )
  const target = async (name: string): Promise<string | undefined> => {
    const bytes = await believed(mirror, repository.readTarget(name))
    return bytes === undefined ? undefined : textOf(bytes, `${mirror}: ${name}`, name)
  }
  const trustedRoot = await target('trusted_root.json')
  if (trustedRoot === undefined)
    throw new CliError('bad_trust', `the TUF repository ${mirror} lists no trusted_root.json`)
  const signingConfig = await target('signing_config.v0.2.json')
  const texts = { trustedRoot, ...(signingConfig !== undefined && { signingConfig }) }
  const { seen: now, expires } = repository
  return {
    ...instanceOf(from, options.now, texts),
    tuf: { mirror, root: repository.root, seen: now, expires },
  }
}

/** What it is to be, as cosign writes it: hexadecimal, of SHA-256 unless it begins with `sha512:`. */
export function demandChecksum(bytes: Uint8Array, checksum: string, what: string): void {
  const [, algorithm = 'sha256', wanted = ''] =
    /^(?:(sha256|sha512):)?([0-9a-f]{64}|[0-9a-f]{128})$/i.exec(checksum.slice(0, 200)) ?? []
  if (wanted.length !== (algorithm === 'sha256' ? 64 : 128))
    throw new CliError(
      'bad_usage',
      `${quoted(checksum, 150)} is no digest; write it as sha256:HEX or sha512:HEX`,
    )
  const found = createHash(algorithm).update(bytes).digest('hex')
  if (found === wanted.toLowerCase()) return
  throw new CliError(
    'bad_trust',
    `incorrect checksum for file ${what}: expected ${wanted} but got ${found}`,
    {
      advice: 'Do not trust it. Ask the operators of the instance for the digest of their root.',
    },
  )
}

/** Of a repository, by its URL. Undefined where it is not there. */
export function readerOf(mirror: string, options: FetchOptions): ReadFile {
  const base = withoutEnd(mirror, '/')
  if (!/^file:\/\//i.test(base)) return (path, limit) => fetchFile(`${base}/${path}`, limit, options)
  const folder = folderOf(base)
  return async (path) => {
    try {
      return await readBytes(`${folder}/${path}`, 'file of the TUF repository')
    } catch (cause) {
      if (cause instanceof CliError && codeOf(cause.cause) === 'ENOENT') return undefined
      throw cause
    }
  }
}

function folderOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw new CliError('bad_usage', `${quoted(url, 200)} names no folder: ${reasonOf(cause)}`, { cause })
  }
}

async function believed<Result>(mirror: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof TufError)) throw cause
    throw new CliError('bad_trust', `the TUF repository ${mirror} is not believed: ${reasonOf(cause)}`, {
      cause,
      ...(cause.code === 'expired' && {
        advice:
          'Is the clock of this machine right? Else the instance has not renewed it; tell its operators.',
      }),
    })
  }
}

/** A redirect is no answer: it may lead anywhere. */
async function fetchFile(
  url: string,
  maxBytes: number,
  { tls }: FetchOptions,
): Promise<Uint8Array | undefined> {
  const answer = await requestBounded(url, { timeoutMs, maxBytes, tls }).catch((cause: unknown) => {
    throwIfUntrusted(url, cause)
    if (!(cause instanceof HttpError)) throw cause
    throw new CliError('unreachable', `${url} does not answer (${networkReason(cause)})`, {
      cause,
      advice: 'Is the URL right, and does this machine reach it? `sigstack doctor` tells more.',
    })
  })
  if (answer.status === 404) return undefined
  if (answer.status === 200) return answer.bytes
  const moved = answer.header('location')
  const where = moved === undefined ? '' : `, to ${quoted(moved, 200)}, which is not followed`
  throw new CliError('unreachable', `${url} answers with status ${answer.status}${where}`)
}
