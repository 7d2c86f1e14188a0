/** What a cluster gives the pods of a service account to pull images with: its `imagePullSecrets`. */
import {
  isObject,
  memberAt,
  parseBase64,
  parseBoundedJson,
  parseUtf8,
  quoted,
  reasonOf,
} from '@sigstack/crypto'
import { networkReason } from '@sigstack/http-client'
import { SigningError } from '../../errors.ts'
import { claimsOf } from '../../tokens/identity-token.ts'
import { type Cluster, readCluster } from './kubeconfig.ts'
import type { World } from './secret.ts'

const timeoutMs = 10_000
const maxBytes = 2 << 20
const mostSecrets = 20
const accountPattern = /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/

/** Configs of docker, as text; none where no cluster is named or around. Throws `no_key` where it refuses. */
export async function readPullSecrets({ environment, exchange }: World): Promise<readonly string[]> {
  if (!environment['KUBECONFIG'] && !environment['KUBERNETES_SERVICE_HOST']) return []
  const cluster = await readCluster(environment)
  const [, namespace, name] = accountPattern.exec(subjectOf(cluster)) ?? []
  if (namespace === undefined || name === undefined)
    throw refused('who asks the cluster is no service account, and only those have pull secrets')
  const get = async (path: string): Promise<unknown> => {
    const url = `${cluster.server}/api/v1/namespaces/${namespace}/${path}`
    const { tls, headers } = cluster
    const answer = await exchange(url, { headers, tls, timeoutMs, maxBytes }).catch((cause: unknown) => {
      throw refused(`${path} of ${namespace} cannot be read (${networkReason(cause)})`)
    })
    if (answer.status !== 200) throw refused(`${path} of ${namespace} may not be read (${answer.status})`)
    try {
      return parseBoundedJson(answer.text())
    } catch {
      throw refused(`${path} of ${namespace} is no JSON`)
    }
  }
  const listed = memberAt(await get(`serviceaccounts/${name}`), 'imagePullSecrets')
  const names = (Array.isArray(listed) ? listed : [])
    .slice(0, mostSecrets)
    .map((each) => memberAt(each, 'name'))
  const secrets = await Promise.all(names.map((each) => get(`secrets/${encodeURIComponent(String(each))}`)))
  return secrets.flatMap(configIn)
}

function subjectOf({ headers }: Cluster): string {
  try {
    const subject = memberAt(claimsOf(headers['authorization']?.replace(/^Bearer /, '') ?? ''), 'sub')
    return typeof subject === 'string' ? subject : ''
  } catch {
    return ''
  }
}

/** The form of today, or the one of before, which is the `auths` alone. */
function configIn(secret: unknown): readonly string[] {
  const text = textAt(secret, '.dockerconfigjson')
  if (text !== undefined) return [text]
  const old = textAt(secret, '.dockercfg')
  return old === undefined ? [] : [`{"auths":${old}}`]
}

function textAt(secret: unknown, name: string): string | undefined {
  const data = memberAt(secret, 'data')
  const value = isObject(data) ? data[name] : undefined
  if (typeof value !== 'string') return undefined
  try {
    return parseUtf8(parseBase64(value))
  } catch (cause) {
    throw refused(`a pull secret has a ${quoted(name)} that is no base64: ${reasonOf(cause)}`)
  }
}

function refused(message: string): SigningError {
  return new SigningError('no_key', message)
}
