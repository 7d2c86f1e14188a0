/** `login`: credentials where docker and all its neighbours find them. */
import { randomUUID } from 'node:crypto'
import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { errorCode, parseStrictJson } from '@sigstack/crypto'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { configFiles, type Environment } from './ambient-credentials.ts'
import { tellCredentialHelper } from './credential-helper.ts'
import { configKey, mostConfigBytes, parseDockerConfig } from './docker-config.ts'
import { OciError } from './errors.ts'
import { type JsonObject, member, objectOf, type Subject } from './json-reading.ts'

/** Where they are: a program that keeps them, or a file that holds them as good as in the clear. */
export type KeptCredentials = { readonly helper: string } | { readonly file: string }

/**
 * With the helper that the docker config names for the registry, else in the docker config itself, of which
 * all else stays. Not tried at the registry. Throws {@link OciError} `bad_credentials`.
 */
export async function keepCredentials(
  environment: Environment,
  registry: string,
  credentials: { readonly username: string; readonly password: string },
): Promise<KeptCredentials> {
  const [named] = configFiles(environment)
  if (named === undefined)
    throw new OciError('bad_credentials', 'there is no place for credentials; set DOCKER_CONFIG or HOME')
  // A link stays one.
  const file = await realpath(named).catch(() => named)
  const text = (await readIfThere(file)) ?? '{}'
  const { helpers, store } = parseDockerConfig(text, file)
  const key = configKey(registry)
  const helper = helpers.get(key) ?? store
  if (helper !== undefined) await tellCredentialHelper(helper, key, credentials)
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
  // Docker notes there for whom a helper has something.
  await writeWhole(file, withEntry(text, file, key, helper === undefined ? { auth } : {}))
  return helper === undefined ? { file } : { helper }
}

function withEntry(text: string, file: string, key: string, entry: object): string {
  const subject: Subject = { what: file, code: 'bad_credentials', mostNames: 20_000 }
  const config: JsonObject = objectOf(parseStrictJson(text, subject), subject)
  const auths = objectOf(member(config, 'auths') ?? {}, subject, 'auths')
  return `${JSON.stringify({ ...config, auths: { ...auths, [key]: entry } }, null, '\t')}\n`
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFileBounded(file, mostConfigBytes, { isRegular: true })).toString()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw trouble('read', file, error)
  }
}

/** Nobody else ever sees it, and a crash leaves the old one or the new one. */
async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.${randomUUID()}`
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(partial, text, { mode: 0o600, flag: 'wx' })
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    throw trouble('written', file, error)
  }
}

function trouble(done: string, file: string, cause: unknown): OciError {
  return new OciError('bad_credentials', `${file} cannot be ${done}: ${fileReason(cause)}`, { cause })
}
