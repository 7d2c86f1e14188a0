/**
 * Docker's config.json and Podman's auth.json, which have one form. Pure: the files are read in
 * `ambient-credentials.ts`.
 */
import { CryptoError, parseBase64, quoted, withoutEnd } from '@sigstack/crypto'
import { type Credentials, isHeaderText } from './credentials.ts'
import { OciError } from './errors.ts'
import { type JsonObject, member, objectOf, optionalText, parseObject, type Subject } from './json-reading.ts'
import type { RepositoryName } from './reference.ts'

export type DockerConfig = {
  /** By registry, as written; entries that hold nothing are left out. */
  readonly auths: ReadonlyMap<string, Credentials>
  /** Names of programs `docker-credential-NAME`, by registry. */
  readonly helpers: ReadonlyMap<string, string>
  /** The program for all other registries. */
  readonly store: string | undefined
}

const hubKey = 'https://index.docker.io/v1/'
export const mostConfigBytes = 1024 * 1024
const longestSecret = 64 * 1024

/**
 * `file` is its name in messages; nothing of its values is repeated. Throws {@link OciError}
 * `bad_credentials`.
 */
export function parseDockerConfig(text: string, file: string): DockerConfig {
  const subject: Subject = { what: file, code: 'bad_credentials', mostNames: 20_000 }
  if (text.length > mostConfigBytes)
    throw new OciError('bad_credentials', `${file} has more than ${mostConfigBytes} characters`)
  const config = parseObject(text, subject)
  const auths = new Map<string, Credentials>()
  for (const [registry, entry] of entriesOf(config, 'auths', subject)) {
    const own = { ...subject, what: `${file}: the entry for ${quoted(registry, 100)}` }
    const credentials = credentialsOf(objectOf(entry ?? {}, own), own)
    if (credentials !== undefined) auths.set(registry, credentials)
  }
  const helpers = new Map<string, string>()
  for (const [registry, name] of entriesOf(config, 'credHelpers', subject))
    helpers.set(registry, helperName(name, subject))
  const store = optionalText(config, 'credsStore', subject, 200)
  return { auths, helpers, store: store ? helperName(store, subject) : undefined }
}

function entriesOf(
  config: JsonObject,
  name: string,
  subject: Subject,
): readonly (readonly [string, unknown])[] {
  const value = member(config, name)
  return value === undefined ? [] : Object.entries(objectOf(value, subject, name))
}

function credentialsOf(entry: JsonObject, subject: Subject): Credentials | undefined {
  const text = (name: string): string => optionalText(entry, name, subject, longestSecret) ?? ''
  const [registryToken, identityToken] = [text('registrytoken'), text('identitytoken')]
  if (registryToken !== '') return { kind: 'registry_token', token: checkToken(registryToken, subject) }
  if (identityToken !== '') return { kind: 'identity_token', token: identityToken }
  const auth = text('auth')
  const [username, password] = auth === '' ? [text('username'), text('password')] : userOf(auth, subject)
  return username === '' && password === '' ? undefined : { kind: 'basic', username, password }
}

function userOf(auth: string, { what }: Subject): readonly [string, string] {
  try {
    const text = Buffer.from(parseBase64(auth)).toString()
    const colon = text.indexOf(':')
    // Docker has written zeros behind passwords.
    if (colon >= 0) return [text.slice(0, colon), withoutEnd(text.slice(colon + 1), '\0')]
  } catch (cause) {
    if (!(cause instanceof CryptoError)) throw cause
  }
  throw new OciError(
    'bad_credentials',
    `${what} cannot be read: auth must be base64 of a user name, a colon and a password; log in again`,
  )
}

function checkToken(token: string, { what }: Subject): string {
  if (!isHeaderText(token)) throw new OciError('bad_credentials', `${what} cannot be read: its token is none`)
  return token
}

/** Part of the name of a program that is run, so never a path. */
function helperName(name: unknown, { what }: Subject): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw new OciError(
      'bad_credentials',
      `${what} cannot be read: ${quoted(name, 100)} is no name of a credential helper`,
    )
  return name
}

/** Where docker writes what is for a whole registry. */
export function configKey(registry: string): string {
  return registry === 'index.docker.io' || registry === 'docker.io' ? hubKey : registry
}

/**
 * Where an entry may stand, the narrowest first: the repository and its parents as Podman writes them, the
 * registry, and the old forms with a scheme. Docker Hub has one of its own.
 */
export function configKeys({ registry, repository }: RepositoryName): readonly string[] {
  const isHub = registry === 'index.docker.io'
  const hosts = isHub ? [registry, 'docker.io'] : [registry]
  const parts = repository.split('/')
  const parents = parts.map((_, at) => parts.slice(0, parts.length - at).join('/'))
  const narrow = hosts.flatMap((host) => parents.map((path) => `${host}/${path}`))
  const old = ['https://', 'http://'].flatMap((scheme) =>
    hosts.flatMap((host) => ['', '/', '/v1/', '/v2/'].map((path) => `${scheme}${host}${path}`)),
  )
  // Docker's own way to write its Hub comes before the rest.
  return [...narrow, ...(isHub ? [hubKey] : []), ...hosts, ...old]
}
