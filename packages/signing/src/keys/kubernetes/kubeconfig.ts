/**
 * Which cluster, and as whom: the kubeconfig that kubectl reads, else the service account of the pod.
 * Programs that give credentials (`exec`) are not run.
 */
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { isObject, memberAt, quoted, withoutEnd } from '@sigstack/crypto'
import type { TlsSettings } from '@sigstack/http-client'
import { fileReason, readFileBounded } from '@sigstack/http-client/files'
import { SigningError } from '../../errors.ts'

export type Cluster = {
  /** Base URL of its API. */
  readonly server: string
  readonly tls: TlsSettings
  readonly headers: Readonly<Record<string, string>>
}

const mostConfigBytes = 4 << 20
/** Of a certificate, a key or a token, and of the roots of a cluster. */
const mostMaterialBytes = 1 << 20
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

type Environment = Readonly<Record<string, string | undefined>>

export async function readCluster(environment: Environment): Promise<Cluster> {
  const path = configPath(environment)
  // One that is named may be the output of a program.
  const isRegular = environment['KUBECONFIG'] === undefined
  const bytes = await readFileBounded(path, mostConfigBytes, { isRegular }).catch((cause: unknown) => {
    if (environment['KUBECONFIG'] === undefined && environment['KUBERNETES_SERVICE_HOST'] !== undefined)
      return undefined
    throw refused(`cannot read the kubeconfig ${path} (${fileReason(cause)})`)
  })
  return bytes === undefined ? clusterOfPod(environment) : parseKubeconfig(path, bytes.toString())
}

/** The first of several; kubectl would merge them. */
function configPath(environment: Environment): string {
  const [named] = (environment['KUBECONFIG'] ?? '').split(delimiter)
  return named || join(environment['HOME'] ?? homedir(), '.kube', 'config')
}

async function clusterOfPod(environment: Environment): Promise<Cluster> {
  const read = (name: string): Promise<string> => readMaterial(join(accountFolder, name))
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = environment
  try {
    const [ca, token] = await Promise.all([read('ca.crt'), read('token')])
    const name = host.includes(':') ? `[${host}]` : host
    return { server: `https://${name}:${port}`, tls: { ca }, headers: bearer(token) }
  } catch (cause) {
    throw refused(`cannot read the service account of this pod (${fileReason(cause)})`)
  }
}

/** The cluster of the current context; reads the files that it names. Throws `no_key`. */
export async function parseKubeconfig(path: string, text: string): Promise<Cluster> {
  const config = await parse(path, text)
  const current = memberAt(config, 'current-context')
  const context = named(path, config, 'contexts', 'context', current)
  const cluster = named(path, config, 'clusters', 'cluster', memberAt(context, 'cluster'))
  const user = named(path, config, 'users', 'user', memberAt(context, 'user'))
  const server = textAt(cluster, 'server')
  if (server === undefined || !/^https?:$/.test(URL.parse(server)?.protocol ?? ''))
    throw refused(`${path} names no URL of the cluster`)
  const serverName = textAt(cluster, 'tls-server-name')
  const [ca, cert, key] = await Promise.all([
    material(path, cluster, 'certificate-authority'),
    material(path, user, 'client-certificate'),
    material(path, user, 'client-key'),
  ])
  return {
    server: withoutEnd(server, '/'),
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== undefined && { serverName }),
      isUnchecked: memberAt(cluster, 'insecure-skip-tls-verify') === true,
    },
    headers: await credentials(path, user, cert),
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  // Loaded by those who need it.
  const { parse } = await import('yaml')
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch {
    // The cause quotes lines, which may hold secrets.
    throw refused(`${path} is no kubeconfig: it is not YAML`)
  }
}

function named(path: string, config: unknown, list: string, member: string, name: unknown): unknown {
  const items = memberAt(config, list)
  const found = Array.isArray(items) ? items.find((item) => memberAt(item, 'name') === name) : undefined
  const value = memberAt(found, member)
  if (typeof name !== 'string' || !isObject(value))
    throw refused(`${path} has no ${member} ${quoted(name ?? 'of the current context')}`)
  return value
}

/** Inside the file in base64, or a path relative to it. */
async function material(path: string, holder: unknown, name: string): Promise<string | undefined> {
  const data = textAt(holder, `${name}-data`)
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
  const file = textAt(holder, name)
  return file === undefined ? undefined : readBeside(path, file)
}

async function readBeside(path: string, file: string): Promise<string> {
  const place = resolve(dirname(path), file)
  return readMaterial(place).catch((cause: unknown) => {
    throw refused(`cannot read ${place}, which ${path} names (${fileReason(cause)})`)
  })
}

async function readMaterial(file: string): Promise<string> {
  return (await readFileBounded(file, mostMaterialBytes, { isRegular: true })).toString()
}

async function credentials(
  path: string,
  user: unknown,
  certificate: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  const token = textAt(user, 'token')
  if (token !== undefined) return bearer(token)
  const tokenFile = textAt(user, 'tokenFile')
  if (tokenFile !== undefined) return bearer(await readBeside(path, tokenFile))
  const [name, password] = [textAt(user, 'username'), textAt(user, 'password')]
  if (name !== undefined && password !== undefined)
    return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` }
  if (certificate === undefined && isObject(memberAt(user, 'exec')))
    throw refused(`${path} names a program that gives credentials, and such programs are not run`, {
      advice: 'Put a token into a kubeconfig of its own, as `kubectl create token` prints one.',
    })
  return {}
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.trim()}` }
}

function textAt(value: unknown, name: string): string | undefined {
  const text = memberAt(value, name)
  return typeof text === 'string' && text !== '' ? text : undefined
}

function refused(message: string, options?: { readonly advice: string }): SigningError {
  return new SigningError('no_key', message, options)
}
