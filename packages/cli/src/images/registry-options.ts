/** How registries are reached, from the options that every command on images has. */
import { quoted } from '@sigstack/crypto'
import {
  ambientCredentials,
  type CredentialSource,
  createRegistryClient,
  parseRepository,
  type RegistryClient,
  type RepositoryName,
} from '@sigstack/oci'
import { type Command, Option } from 'commander'
import { CliError } from '../errors.ts'
import { type Io, setting } from '../io.ts'
import { readLocation } from '../location.ts'
import { clusterKeychain } from './cluster-keychain.ts'

export type RegistryOptions = {
  readonly allowHttpRegistry?: boolean
  readonly allowInsecureRegistry?: boolean
  readonly registryUsername?: string
  readonly registryPassword?: string
  readonly registryToken?: string
  readonly registryCacert?: string
  readonly registryClientCert?: string
  readonly registryClientKey?: string
  readonly registryServerName?: string
  readonly k8sKeychain?: boolean
  readonly attachmentTagPrefix?: string
}

/** It is held in memory. */
const largestBytes = 2 ** 30

export function addRegistryOptions(command: Command): Command {
  const hasOption = (long: string): boolean => command.options.some((each) => each.long === long)
  // What a registry can is found out; those that verify have it of files, too.
  if (!hasOption('--experimental-oci11')) command.addOption(new Option('--experimental-oci11').hideHelp())
  return command
    .option('--registry-username <name>', 'user at the registry (default: as docker is logged in)')
    .option('--registry-password <password>', 'password of that user')
    .option('--registry-token <token>', 'bearer token for the registry')
    .option('--registry-cacert <file>', 'certificates of the authority of the registry, in PEM')
    .option('--registry-client-cert <file>', 'certificate that is shown to the registry, in PEM')
    .option('--registry-client-key <file>', 'key of that certificate, in PEM')
    .option('--registry-server-name <name>', 'whom the certificate of the registry names')
    .option('--allow-http-registry', 'take a registry without TLS')
    .option('--allow-insecure-registry', 'take any certificate of a registry, and none')
    .option('--attachment-tag-prefix <prefix>', 'what old tags begin with')
    .option('--k8s-keychain', 'credentials of the cluster too: pull secrets of the service account')
    .addOption(new Option('--registry-referrers-mode <mode>').hideHelp())
}

/** Registries, and where what is attached to images is kept. */
export type Registries = {
  readonly client: RegistryClient
  /** COSIGN_REPOSITORY: one place for the signatures of all images. */
  readonly attachedIn: RepositoryName | undefined
  readonly tagPrefix: string
  /** COSIGN_DOCKER_MEDIA_TYPES: old tags have the types of Docker. */
  readonly dockerTypes: boolean
  /** COSIGN_MAX_ATTACHMENT_SIZE; undefined: the limit of the kind. */
  readonly mostBytes: number | undefined
}

export async function openRegistries(io: Io, options: RegistryOptions): Promise<Registries> {
  const { registryCacert, registryClientCert, registryClientKey, registryServerName } = options
  if ((registryClientCert === undefined) !== (registryClientKey === undefined))
    throw new CliError('bad_usage', '--registry-client-cert and --registry-client-key belong together')
  const read = async (path: string | undefined, what: string): Promise<string | undefined> =>
    path === undefined ? undefined : readLocation(path, what)
  const ca = await read(registryCacert, 'certificates of the registry')
  const cert = await read(registryClientCert, 'client certificate')
  const key = await read(registryClientKey, 'key of the client certificate')
  const repository = setting(io, 'COSIGN_REPOSITORY')
  return {
    client: createRegistryClient({
      credentials: credentialsOf(io, options),
      allowHttp: options.allowHttpRegistry === true,
      allowInsecure: options.allowInsecureRegistry === true,
      tls: {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(registryServerName !== undefined && { serverName: registryServerName }),
      },
    }),
    attachedIn: repository === undefined ? undefined : parseRepository(repository),
    tagPrefix: options.attachmentTagPrefix ?? '',
    dockerTypes: /^(?:1|t|true)$/i.test(setting(io, 'COSIGN_DOCKER_MEDIA_TYPES') ?? ''),
    mostBytes: mostBytesOf(io),
  }
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
}

/** As cosign writes sizes: `10000`, `64MB`, `128 MiB`. */
function mostBytesOf(io: Io): number | undefined {
  const text = setting(io, 'COSIGN_MAX_ATTACHMENT_SIZE')
  if (text === undefined) return undefined
  const [, count, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?) ?([kmg]i?)?b?$/i.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(count) * (units[unit.toLowerCase()] ?? 1))
  if (count !== undefined && bytes > 0 && bytes <= largestBytes) return bytes
  throw new CliError(
    'bad_usage',
    `COSIGN_MAX_ATTACHMENT_SIZE is ${quoted(text, 60)}, which is no size from 1B to 1GiB`,
    {
      advice: 'It is written like 64MB or 128MiB.',
    },
  )
}

function credentialsOf(io: Io, options: RegistryOptions): CredentialSource {
  const { registryUsername: username, registryPassword: password, registryToken: token } = options
  // As in cosign, the first of these that is given wins.
  if (options.k8sKeychain === true) return clusterKeychain(io, ambientCredentials(io.environment))
  if (username !== undefined || password !== undefined) {
    if (username === undefined || password === undefined)
      throw new CliError('bad_usage', '--registry-username and --registry-password belong together')
    return () => Promise.resolve({ kind: 'basic', username, password })
  }
  if (token !== undefined) return () => Promise.resolve({ kind: 'registry_token', token })
  return ambientCredentials(io.environment)
}
