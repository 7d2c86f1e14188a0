/** Credentials of the user: docker's config, else Podman's auth file, and the programs that they name. */
import path from 'node:path'
import { errorCode } from '@sigstack/crypto'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { askCredentialHelper } from './credential-helper.ts'
import type { CredentialSource, Credentials } from './credentials.ts'
import {
  configKey,
  configKeys,
  type DockerConfig,
  mostConfigBytes,
  parseDockerConfig,
} from './docker-config.ts'
import { OciError } from './errors.ts'
import type { RepositoryName } from './reference.ts'

export type Environment = Readonly<Record<string, string | undefined>>

type AskHelper = (name: string, registry: string, signal?: AbortSignal) => Promise<Credentials | undefined>

/**
 * The first of `$DOCKER_CONFIG/config.json` (or `~/.docker/config.json`), `$REGISTRY_AUTH_FILE`, and the
 * `containers/auth.json` of XDG_RUNTIME_DIR and XDG_CONFIG_HOME that is there decides alone; where none is,
 * everybody is anonymous. Read when it is asked for the first time; a file that cannot be read is an error.
 */
export function ambientCredentials(
  environment: Environment,
  askHelper: AskHelper = askCredentialHelper,
): CredentialSource {
  let config: Promise<DockerConfig | undefined> | undefined
  return async (name, signal) => {
    config ??= readFirst(configFiles(environment))
    const found = await config
    return found === undefined ? undefined : credentialsIn(found, name, askHelper, signal)
  }
}

export function configFiles(environment: Environment): readonly string[] {
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME, USERPROFILE } =
    environment
  const home = HOME || USERPROFILE
  const below = (folder: string | undefined, ...parts: readonly string[]): readonly string[] =>
    folder ? [path.join(folder, ...parts)] : []
  return [
    ...(DOCKER_CONFIG ? below(DOCKER_CONFIG, 'config.json') : below(home, '.docker', 'config.json')),
    ...below(REGISTRY_AUTH_FILE),
    ...below(XDG_RUNTIME_DIR, 'containers', 'auth.json'),
    ...(XDG_CONFIG_HOME
      ? below(XDG_CONFIG_HOME, 'containers', 'auth.json')
      : below(home, '.config', 'containers', 'auth.json')),
  ]
}

async function readFirst(files: readonly string[]): Promise<DockerConfig | undefined> {
  for (const file of files) {
    const bytes = await readFileBounded(file, mostConfigBytes, { isRegular: true }).catch(
      (cause: unknown) => {
        if (['ENOENT', 'ENOTDIR'].includes(errorCode(cause) ?? '')) return undefined
        throw new OciError(
          'bad_credentials',
          `${file}, which may hold credentials, cannot be read: ${fileReason(cause)}`,
          { cause },
        )
      },
    )
    if (bytes !== undefined) return parseDockerConfig(bytes.toString(), file)
  }
  return undefined
}

async function credentialsIn(
  config: DockerConfig,
  name: RepositoryName,
  askHelper: AskHelper,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const keys = configKeys(name)
  for (const key of keys) {
    const helper = config.helpers.get(key)
    if (helper !== undefined) return askHelper(helper, key, signal)
  }
  const own = credentialsOfConfig(config, name)
  if (config.store === undefined) return own
  // As docker: with a store, its word counts. What is written beside it helps where the store has nothing.
  return (await askHelper(config.store, configKey(name.registry), signal)) ?? own
}

/** Those that stand in it; no program is asked. */
export function credentialsOfConfig({ auths }: DockerConfig, name: RepositoryName): Credentials | undefined {
  return configKeys(name)
    .flatMap((key) => auths.get(key) ?? [])
    .at(0)
}
