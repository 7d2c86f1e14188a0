/** A client that signs as itself (RFC 6749 section 4.4), at an issuer that gives it an ID token. */
import { type Client, checkedToken, type Issuer, sendForm } from '@sigstack/oidc-client'
import { CliError } from '../../errors.ts'
import { scope } from './flows.ts'

export async function clientCredentials(issuer: Issuer, client: Client): Promise<string> {
  if (client.secret === undefined)
    throw new CliError('bad_usage', 'client_credentials needs the secret of the client', {
      advice: 'Name the file that holds it with --oidc-client-secret-file.',
    })
  const answer = await sendForm(issuer.tokenEndpoint, client, { grant_type: 'client_credentials', scope })
  return (await checkedToken(answer, issuer, client)).token
}
