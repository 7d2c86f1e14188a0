/** The environment of a CA that is really started, over stand-ins of its neighbours. */
import '@sigstack/signers/few-rounds'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePublicKeyPem } from '@sigstack/crypto'
import type { StandInCtLog } from './ct-log.ts'
import { emailConfig } from './harness.ts'
import type { StandInProxy } from './oidc.ts'

/** Its files are written into `folder`; ports are free ones. */
export function environmentIn(
  folder: string,
  { proxy, ctLog }: { readonly proxy: StandInProxy; readonly ctLog: StandInCtLog },
  more: Readonly<Record<string, string>> = {},
  identity: unknown = emailConfig,
): Record<string, string> {
  writeFileSync(join(folder, 'identity.json'), JSON.stringify(identity))
  writeFileSync(join(folder, 'ct.pem'), encodePublicKeyPem(ctLog.publicKey))
  return {
    CA_PORT: '0',
    CA_DATA: join(folder, 'data'),
    CA_CONFIG_FILE: join(folder, 'identity.json'),
    CA_CT_LOG_URL: ctLog.url,
    CA_CT_LOG_PUBLIC_KEY_FILE: join(folder, 'ct.pem'),
    OIDC_PROXY_URL: proxy.url,
    ...more,
  }
}
