/**
 * Credentials as `--k8s-keychain` means them: docker's config, the token of a job of GitHub for its registry, and the pull
 * secrets of the service account. Clouds give theirs by programs of their own, which docker's config names.
 */
import { reasonOf } from '@sigstack/crypto'
import { requestBounded } from '@sigstack/http-client'
import {
  type CredentialSource,
  type Credentials,
  credentialsOfConfig,
  type DockerConfig,
  parseDockerConfig,
} from '@sigstack/oci'
import { SigningError } from '@sigstack/signing/errors'
import { type Io, setting } from '../io.ts'

/** `usual`: docker's config and what stands for it. */
export function clusterKeychain(io: Io, usual: CredentialSource): CredentialSource {
  let secrets: Promise<readonly DockerConfig[]> | undefined
  return async (name, signal) => {
    const own = (await usual(name, signal)) ?? tokenOfJob(io, name.registry)
    if (own !== undefined) return own
    secrets ??= pullSecrets(io)
    const [found] = (await secrets).flatMap((config) => credentialsOfConfig(config, name) ?? [])
    if (found === undefined) warnOfCloud(io, name.registry)
    return found
  }
}

function tokenOfJob(io: Io, registry: string): Credentials | undefined {
  const password = registry === 'ghcr.io' ? setting(io, 'GITHUB_TOKEN') : undefined
  // Any name will do there.
  return password === undefined ? undefined : { kind: 'basic', username: 'unset', password }
}

/** Who may not read them is nobody, as without them. */
async function pullSecrets(io: Io): Promise<readonly DockerConfig[]> {
  const { readPullSecrets } = await import('@sigstack/signing/keys')
  try {
    const texts = await readPullSecrets({ environment: io.environment, exchange: requestBounded })
    return texts.map((text, at) => parseDockerConfig(text, `pull secret ${at + 1}`))
  } catch (error) {
    if (!(error instanceof SigningError)) throw error
    io.err(`WARNING: the pull secrets of the cluster are not used: ${reasonOf(error)}\n`)
    return []
  }
}

const programs: readonly (readonly [hosts: RegExp, program: string])[] = [
  [
    /\.dkr\.ecr(-fips)?\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?$|^public\.ecr\.aws$/,
    'docker-credential-ecr-login',
  ],
  [/(^|\.)gcr\.io$|-docker\.pkg\.dev$/, 'docker-credential-gcr'],
  [/\.azurecr\.(io|cn|us)$/, 'docker-credential-acr-env'],
  [
    /^registry(-intl|-vpc)?\.[a-z0-9-]{1,40}\.aliyuncs\.com$|\.cr\.aliyuncs\.com$/,
    'docker-credential-acr-helper',
  ],
]

function warnOfCloud(io: Io, registry: string): void {
  const [, program] = programs.find(([hosts]) => hosts.test(registry)) ?? []
  if (program !== undefined)
    io.err(
      `WARNING: this tool asks no cloud for credentials: ${registry} is asked as nobody. Install ${program}, and name it in credHelpers of docker's config.\n`,
    )
}
