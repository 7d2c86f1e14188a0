/**
 * References to images, `[host[:port]/]repository[:tag][@digest]`, read as go-containerregistry reads them,
 * which is as cosign, policy-controller and Kyverno do.
 */
import { isIPv4 } from 'node:net'
import { quoted } from '@sigstack/crypto'
import { type Digest, parseDigest } from './digest.ts'
import { OciError } from './errors.ts'

export type RepositoryName = {
  /** Host and port; Docker Hub is `index.docker.io`. */
  readonly registry: string
  readonly repository: string
}

export type Reference = RepositoryName & {
  /** As written, or `latest`; undefined beside a digest. */
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

const dockerHub = 'index.docker.io'
/** Host, repository, tag and digest together. */
const longestReference = 1024

/** Throws {@link OciError} `bad_reference`. A tag beside a digest is dropped: the digest decides. */
export function parseReference(text: string): Reference {
  if (text.length > longestReference)
    throw badReference(text, `it is longer than ${longestReference} characters`)
  const [base = '', digestText, more] = text.split('@')
  if (more !== undefined) throw badReference(text, 'it has more than one @')
  if (digestText === undefined) {
    const { name, tag } = splitTag(base)
    return { ...repositoryOf(name, text), tag: checkTag(tag ?? 'latest', text), digest: undefined }
  }
  const digest = parseDigest(digestText)
  if (digest === undefined)
    throw badReference(text, 'after @ there must be sha256: and 64 digits of lower-case hex')
  const { name, tag } = splitTag(base)
  if (tag !== undefined) checkTag(tag, text)
  return { ...repositoryOf(name, text), tag: undefined, digest }
}

/** `[host[:port]/]repository` alone, as in COSIGN_REPOSITORY. Throws {@link OciError} `bad_reference`. */
export function parseRepository(text: string): RepositoryName {
  if (text.length > longestReference)
    throw badReference(text, `it is longer than ${longestReference} characters`)
  return repositoryOf(text, text)
}

/** Host and repository in full, without tag and digest: `index.docker.io/library/x`. */
export function repositoryText({ registry, repository }: RepositoryName): string {
  return `${registry}/${repository}`
}

export function referenceText(reference: Reference): string {
  const { tag, digest } = reference
  return repositoryText(reference) + (digest === undefined ? `:${tag}` : `@${digest}`)
}

export function isTag(text: string): boolean {
  return /^[A-Za-z0-9_.-]{1,128}$/.test(text)
}

/** A colon before the last slash belongs to a port. */
function splitTag(base: string): { readonly name: string; readonly tag: string | undefined } {
  const colon = base.lastIndexOf(':')
  if (colon < 0 || base.includes('/', colon)) return { name: base, tag: undefined }
  return { name: base.slice(0, colon), tag: base.slice(colon + 1) }
}

function checkTag(tag: string, text: string): string {
  if (!isTag(tag)) throw badReference(text, 'a tag has 1 to 128 letters, digits, and _ . -')
  return tag
}

function repositoryOf(name: string, text: string): RepositoryName {
  if (name.includes('://')) throw badReference(text, 'it has no scheme before the host')
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost'
  const written = hasRegistry ? name.slice(slash + 1) : name
  if (!/^[a-z0-9_./-]{2,255}$/.test(written))
    throw badReference(text, 'a repository has 2 to 255 lower-case letters, digits, and _ . - /')
  // go-containerregistry takes these and a server's router would make another path of them.
  if (written.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw badReference(text, 'a part of the repository is empty or made of dots')
  const registry = hasRegistry ? checkRegistry(first, text) : dockerHub
  const isShort = registry === dockerHub && !written.includes('/')
  return { registry, repository: isShort ? `library/${written}` : written }
}

function checkRegistry(host: string, text: string): string {
  const url = /^[A-Za-z0-9.:[\]_-]{1,260}$/.test(host) ? URL.parse(`https://${host}/`) : null
  // What the URL makes of a host must be that host, or two readers ask two machines: `0x7f.1` and 127.0.0.1.
  if (url === null || url.host !== host.toLowerCase().replace(/:443$/, '') || url.hostname === '')
    throw badReference(text, `${quoted(host, 100)} is no host of a registry`)
  return host === 'docker.io' ? dockerHub : host
}

function badReference(text: string, reason: string): OciError {
  return new OciError(
    'bad_reference',
    `${quoted(text, 300)} is no reference to an image: ${reason}. Write it as registry.example/app:tag or registry.example/app@sha256:…`,
  )
}

/**
 * Where go-containerregistry uses plain http without being asked, if there is no TLS: this machine and
 * private addresses.
 */
export function mayBePlainHttp(registry: string): boolean {
  if (isThisMachine(registry) || /\.localhost(?::[0-9]{1,5})?$/.test(registry)) return true
  const [address = ''] = registry.split(':')
  if (!isIPv4(address)) return false
  const [first = 0, second = 0] = address.split('.').map(Number)
  return first === 10 || (first === 172 && second >= 16 && second <= 31) || (first === 192 && second === 168)
}

/** `localhost` with a port, and addresses of loopback. */
export function isThisMachine(registry: string): boolean {
  return registry.startsWith('localhost:') || /^(?:127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?$/.test(registry)
}
