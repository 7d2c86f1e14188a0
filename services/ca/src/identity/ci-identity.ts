/** Identities of CI jobs: extensions and name come out of the provider's templates (fulcio.md sections 2.5 and 2.6). */
import type { FulcioClaims } from '@sigstack/x509'
import { IssuanceError, refuseToken } from '../refusals.ts'
import type { Claims } from './claims.ts'
import { goText } from './go-text.ts'
import type { CiProvider, ExtensionName, Identity, UriForm, ValueSource } from './identity.ts'
import { renderTemplate, TemplateError } from './template.ts'
import { joinUriName, parseUriName } from './uri-name.ts'

/** A few templates over claims of 16 KiB stay far below it. */
const longestValue = 16 * 1024

export function ciIdentity(
  provider: CiProvider,
  claims: Claims,
  fixed: FulcioClaims & { readonly subject: string },
): Identity {
  const { subjectAlternativeName } = provider
  if (subjectAlternativeName === undefined)
    throw new IssuanceError(
      'extension_unavailable',
      `SubjectAlternativeNameTemplate should not be empty. Issuer: ${fixed.issuer}`,
    )
  const values = new Map(provider.defaults)
  for (const [name, value] of Object.entries(claims)) if (value !== undefined) values.set(name, goText(value))

  const extensions: { [name in ExtensionName]?: string } = {}
  for (const [name, source] of provider.extensions) {
    const text = valueOf(source, values, name, fixed.issuer)
    const form = provider.uriForms?.get(name)
    if (text !== '') extensions[name] = form === undefined ? text : uriText(form, text, name)
  }
  const uri = valueOf(subjectAlternativeName, values, 'SubjectAlternativeName', fixed.issuer)
  if (uri === '') throw refuseToken('claim_malformed', 'the claims of this job give an empty identity')
  return {
    subjectAlternativeName: {
      type: 'uri',
      value: uriText(provider.uriForms?.get('subjectAlternativeName') ?? 'parsed', uri, 'the identity'),
    },
    claims: { ...fixed, ...extensions },
    proofSubjects: [fixed.subject],
  }
}

function uriText(form: UriForm, text: string, what: string): string {
  return (form === 'parsed' ? parseUriName(text, what) : joinUriName(text, what)).text
}

function valueOf(
  source: ValueSource,
  values: ReadonlyMap<string, string>,
  extensionName: string,
  issuer: string,
): string {
  const text = source.kind === 'name' ? values.get(source.name) : rendered(source, values, extensionName)
  if (text === undefined && source.kind === 'name') {
    const where = JSON.stringify(
      { ExtensionName: fulcioName(extensionName), Issuer: issuer },
      undefined,
      '\t',
    )
    throw new IssuanceError(
      'extension_unavailable',
      `value <${source.name}> not present in either claims or defaults. ${where}`,
    )
  }
  if (text === undefined || text.length > longestValue)
    throw new IssuanceError('extension_unavailable', `the value of ${extensionName} is too long`)
  return text
}

/** The field of Fulcio's structure, which its messages name: `buildSignerUri` is `BuildSignerURI` there. */
function fulcioName(name: string): string {
  const capital = name.charAt(0).toUpperCase() + name.slice(1)
  return capital.replace(/(Uri|Sha)$/, (ending) => ending.toUpperCase())
}

function rendered(
  source: ValueSource & { kind: 'template' },
  values: ReadonlyMap<string, string>,
  name: string,
): string {
  try {
    return renderTemplate(source.template, values)
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause
    throw new IssuanceError('extension_unavailable', `${name}: ${cause.message}`, { cause })
  }
}
