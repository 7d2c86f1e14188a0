/** What the CA would make of a token, for those who only have its configuration: `@sigstack/stack/explain-token`. */
import { readFile } from 'node:fs/promises'
import { type Explanation, explainToken, withPolicyText } from '@sigstack/ca'
import { decodeText, reasonOf } from '@sigstack/crypto'
import { readIssuers } from './issuers.ts'

export type ExplainOptions = {
  readonly token: string
  /** The identity configuration of the CA. */
  readonly configFile: string | undefined
  /** Policies beside it. */
  readonly policyFile: string | undefined
  /** Accepted as a running trial stack accepts it. */
  readonly trialIssuer: string | undefined
  readonly now: Date
}

export type { Explanation }

/** Throws one sentence for a file that cannot be used. */
export async function explainTokenWithFiles(options: ExplainOptions): Promise<Explanation> {
  const { token, configFile, policyFile, trialIssuer, now } = options
  const config = await readIssuers({ trialIssuer, file: configFile })
  const { issuers } = policyFile === undefined ? config : await withPolicies(config, policyFile)
  return explainToken(issuers, token, now)
}

async function withPolicies(config: Parameters<typeof withPolicyText>[0], file: string) {
  try {
    return withPolicyText(config, decodeText(await readFile(file)))
  } catch (cause) {
    throw new Error(`the policy file ${file}: ${reasonOf(cause)}`, {
      cause,
    })
  }
}
