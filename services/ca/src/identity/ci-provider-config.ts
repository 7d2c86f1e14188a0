import { reasonOf } from '@sigstack/crypto'
import {
  asFields,
  assertKnownMembers,
  IssuerConfigError,
  type MemberName,
  member,
  stringMap,
} from './config-fields.ts'
import type { CiProvider, ExtensionName, ValueSource } from './identity.ts'
import { parseTemplate } from './template.ts'

/** Template keys in YAML and JSON (fulcio pkg/certificate/extensions.go); issuer and subject always come from the token. */
const templateKeys: readonly (readonly [yaml: string, json: string, name: ExtensionName])[] = [
  ['github-workflow-trigger', 'GithubWorkflowTrigger', 'githubWorkflowTrigger'],
  ['github-workflow-sha', 'GithubWorkflowSHA', 'githubWorkflowSha'],
  ['github-workflow-name', 'GithubWorkflowName', 'githubWorkflowName'],
  ['github-workflow-repository', 'GithubWorkflowRepository', 'githubWorkflowRepository'],
  ['github-workflow-ref', 'GithubWorkflowRef', 'githubWorkflowRef'],
  ['build-signer-uri', 'BuildSignerURI', 'buildSignerUri'],
  ['build-signer-digest', 'BuildSignerDigest', 'buildSignerDigest'],
  ['runner-environment', 'RunnerEnvironment', 'runnerEnvironment'],
  ['source-repository-uri', 'SourceRepositoryURI', 'sourceRepositoryUri'],
  ['source-repository-digest', 'SourceRepositoryDigest', 'sourceRepositoryDigest'],
  ['source-repository-ref', 'SourceRepositoryRef', 'sourceRepositoryRef'],
  ['source-repository-identifier', 'SourceRepositoryIdentifier', 'sourceRepositoryIdentifier'],
  ['source-repository-owner-uri', 'SourceRepositoryOwnerURI', 'sourceRepositoryOwnerUri'],
  [
    'source-repository-owner-identifier',
    'SourceRepositoryOwnerIdentifier',
    'sourceRepositoryOwnerIdentifier',
  ],
  ['build-config-uri', 'BuildConfigURI', 'buildConfigUri'],
  ['build-config-digest', 'BuildConfigDigest', 'buildConfigDigest'],
  ['build-trigger', 'BuildTrigger', 'buildTrigger'],
  ['run-invocation-uri', 'RunInvocationURI', 'runInvocationUri'],
  [
    'source-repository-visibility-at-signing',
    'SourceRepositoryVisibilityAtSigning',
    'sourceRepositoryVisibilityAtSigning',
  ],
  ['deployment-environment', 'DeploymentEnvironment', 'deploymentEnvironment'],
]

/** Issuer and subject are the token's own, whatever stands there. */
const extensionMembers: readonly MemberName[] = [
  ['issuer', 'Issuer'],
  ['subject', 'Subject'],
  ...templateKeys.map(([yamlName, jsonName]): MemberName => [yamlName, jsonName]),
]

const providerMembers: readonly MemberName[] = [
  ['default-template-values', 'DefaultTemplateValues'],
  ['extension-templates', 'ExtensionTemplates'],
  ['subject-alternative-name-template', 'SubjectAlternativeNameTemplate'],
]

export function parseCiProvider(name: string, value: unknown): CiProvider {
  const fields = asFields(value, `the CI provider ${name}`)
  const owner = `the CI provider ${name}`
  assertKnownMembers(fields, providerMembers, owner)
  const templates = asFields(member(fields, 'extension-templates', 'ExtensionTemplates') ?? {}, owner)
  assertKnownMembers(templates, extensionMembers, `extension-templates of ${owner}`)
  const extensions = new Map<ExtensionName, ValueSource>()
  for (const [yamlName, jsonName, extension] of templateKeys) {
    const source = sourceOf(member(templates, yamlName, jsonName), `${yamlName} of ${owner}`)
    if (source !== undefined) extensions.set(extension, source)
  }
  const san = member(fields, 'subject-alternative-name-template', 'SubjectAlternativeNameTemplate')
  return {
    name,
    defaults: stringMap(member(fields, 'default-template-values', 'DefaultTemplateValues'), owner),
    subjectAlternativeName: sourceOf(san, `subject-alternative-name-template of ${owner}`),
    extensions,
  }
}

/** A text with `{{` is a template, any other the name of a claim or default. */
function sourceOf(value: unknown, what: string): ValueSource | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new IssuerConfigError(`${what} must be a text`)
  if (!value.includes('{{')) return { kind: 'name', name: value }
  try {
    return { kind: 'template', template: parseTemplate(value) }
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new IssuerConfigError(`${what} is no template: ${reason}`, { cause })
  }
}
