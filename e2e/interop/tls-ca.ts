/** One more copy of the stack's CA, with TLS, for clients that speak to it by gRPC only. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseIssuerConfig, startCa } from '@sigstack/ca'
import { defaultClientAlgorithms, parsePublicKeyPem } from '@sigstack/crypto'
import { createLogger } from '@sigstack/server'
import { caFolderOf } from '@sigstack/stack/ca-folder'
import type { Session, TrustFiles } from './client.ts'

export type TlsCa = {
  readonly url: string
  /** Path of the certificate that its server's name is believed by, in PEM. */
  readonly authority: string
  stop(): Promise<void>
}

/** Same key, same chain, same log of certificates: what it issues is in the published trust. */
export async function startTlsCa(session: Session, trust: TrustFiles): Promise<TlsCa> {
  const { endpoints, folder } = session
  const tls = await makeTlsFiles(session, path.join(folder, 'tls'))
  const published = endpoints.files['trustedRoot'] ?? ''
  const { folder: dataFolder, password } = await caFolderOf(path.resolve(published, '../..'))
  const { issuer } = endpoints
  const ctLogUrl = endpoints.services['ct']
  const ca = await startCa(
    {
      host: '127.0.0.1',
      port: 0,
      logLevel: 'silent',
      dataFolder,
      ...(password !== undefined && { keyPassword: password }),
      organization: 'sigstack',
      identity: parseIssuerConfig({
        'oidc-issuers': { [issuer]: { 'issuer-url': issuer, 'client-id': 'sigstore', type: 'email' } },
      }),
      oidcProxyUrl: endpoints.services['oidc-proxy'] ?? '',
      ctLogs:
        ctLogUrl === undefined
          ? []
          : [{ url: ctLogUrl, publicKey: parsePublicKeyPem(await readFile(trust.ctKey, 'utf8')) }],
      clientAlgorithms: defaultClientAlgorithms,
      tls,
    },
    { logger: createLogger({ name: 'ca', level: 'silent' }), processMetrics: false },
  )
  return { url: ca.url, authority: tls.certificatePath, stop: ca.stop }
}

/** The signing config that leads to it, with the member that Java demands and JavaScript refuses without a timestamp authority. */
export async function writeSigningConfig(
  { folder }: Session,
  { signingConfig }: TrustFiles,
  { url }: TlsCa,
): Promise<string> {
  const config = JSON.parse(await readFile(signingConfig, 'utf8')) as { caUrls: readonly object[] }
  const file = path.join(folder, 'signing_config.json')
  await writeFile(
    file,
    JSON.stringify({
      ...config,
      caUrls: config.caUrls.map((service) => ({ ...service, url })),
      tsaConfig: { selector: 'ANY' },
    }),
  )
  return file
}

/** A certificate for 127.0.0.1, which is its own authority. */
export async function makeTlsFiles({ run }: Session, folder: string) {
  await mkdir(folder, { recursive: true })
  const files = {
    certificatePath: path.join(folder, 'tls.crt'),
    keyPath: path.join(folder, 'tls.key'),
  }
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const places = ['-keyout', files.keyPath, '-out', files.certificatePath]
  await run('openssl', ['req', '-x509', ...kind, ...name, ...places])
  return files
}
