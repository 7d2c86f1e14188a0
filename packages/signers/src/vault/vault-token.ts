/** Who we are to Vault: a token that we are given, or one for which we log in. */
import { readFileBounded } from '@sigstack/http-client/files'
import type { Environment } from '../environment.ts'
import { SignerError } from '../errors.ts'
import { textField } from '../remote/fields.ts'
import { askService, type JsonService } from '../remote/json-service.ts'
import { readSecretFile } from '../secret-file.ts'

export type VaultToken = {
  /** Once more with a fresh token where Vault refuses the one at hand, which may have ended. */
  use<T>(signal: AbortSignal, request: (token: string) => Promise<T>): Promise<T>
}

type VaultTokenOptions = {
  readonly uri: string
  readonly address: string
  readonly environment: Environment
  readonly service: JsonService
  readonly headers: Readonly<Record<string, string>>
}

const mostTokenBytes = 64 * 1024
const kubernetesTokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token'

export function createVaultToken(options: VaultTokenOptions): VaultToken {
  const obtain = wayOf(options)
  let current: Promise<string> | undefined
  // One login for all requests that wait for it.
  const tokenFor = (signal: AbortSignal): Promise<string> => {
    const obtained = (current ??= obtain(signal))
    obtained.catch(() => {
      if (current === obtained) current = undefined
    })
    return obtained
  }
  return {
    async use(signal, request) {
      const obtained = current
      const token = await tokenFor(signal)
      try {
        return await request(token)
      } catch (error) {
        const mayHaveEnded =
          obtained !== undefined && error instanceof SignerError && error.code === 'permission_denied'
        if (!mayHaveEnded) throw error
        if (current === obtained) current = undefined
        const fresh = await tokenFor(signal)
        if (fresh === token) throw error
        return request(fresh)
      }
    },
  }
}

/** The first of: VAULT_TOKEN, VAULT_TOKEN_FILE, AppRole, Kubernetes. */
function wayOf({
  uri,
  address,
  environment,
  service,
  headers,
}: VaultTokenOptions): (signal: AbortSignal) => Promise<string> {
  const given = (name: string): string | undefined => environment[name] || undefined
  const logIn = async (mount: string, body: Readonly<Record<string, string>>, signal: AbortSignal) => {
    const url = `${address}/v1/auth/${mount}/login`
    const answer = await askService(
      service,
      { method: 'POST', url, headers, body, signal },
      Object.values(body),
    )
    const token = textField(answer, 'auth', 'client_token')
    if (token === undefined)
      throw new SignerError('no_credentials', `${uri}: the login to Vault gave no token`)
    return token
  }

  const token = given('VAULT_TOKEN')
  if (token !== undefined) return () => Promise.resolve(token)
  const tokenFile = given('VAULT_TOKEN_FILE')
  // Read again when it is refused: an agent beside us renews it there.
  if (tokenFile !== undefined) return async () => (await readSecretFile(tokenFile)).trim()
  const roleId = given('VAULT_ROLE_ID')
  if (roleId !== undefined) {
    return async (signal) => {
      const file = given('VAULT_SECRET_ID_FILE')
      const secretId = file === undefined ? given('VAULT_SECRET_ID') : (await readSecretFile(file)).trim()
      const body = { role_id: roleId, ...(secretId !== undefined && { secret_id: secretId }) }
      return logIn(given('VAULT_APPROLE_MOUNT') ?? 'approle', body, signal)
    }
  }
  const role = given('VAULT_KUBERNETES_ROLE')
  if (role !== undefined) {
    return async (signal) => {
      const jwt = await readServiceAccountToken(
        uri,
        given('VAULT_KUBERNETES_TOKEN_FILE') ?? kubernetesTokenPath,
      )
      return logIn(given('VAULT_KUBERNETES_MOUNT') ?? 'kubernetes', { role, jwt }, signal)
    }
  }
  throw new SignerError(
    'no_credentials',
    `${uri}: set VAULT_TOKEN_FILE or VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID_FILE, or VAULT_KUBERNETES_ROLE`,
  )
}

/** The kubelet writes it readable for everybody in the container, so its mode says nothing. */
async function readServiceAccountToken(uri: string, path: string): Promise<string> {
  try {
    return (await readFileBounded(path, mostTokenBytes, { isRegular: true })).toString().trim()
  } catch (cause) {
    throw new SignerError('no_credentials', `${uri}: the service account token ${path} cannot be read`, {
      cause,
    })
  }
}
