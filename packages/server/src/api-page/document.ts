/** As much of OpenAPI 3.1 as our descriptions use. */

export type Schema = {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[] | undefined
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly example?: unknown
  readonly contentEncoding?: string
  readonly pattern?: string
}

export type Content = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>

export type Parameter = {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
}

export type Answer = {
  readonly description: string
  readonly content?: Content
  readonly headers?: Readonly<Record<string, { readonly description?: string; readonly schema: Schema }>>
}

export type Operation = {
  readonly operationId?: string
  readonly summary: string
  readonly description?: string
  readonly deprecated?: boolean
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly description?: string
    readonly required?: boolean
    readonly content: Content
  }
  readonly responses: Readonly<Record<string, Answer>>
}

export type ApiDocument = {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes?: Readonly<Record<string, unknown>>
  }
}

const prefix = '#/components/schemas/'

/** The name of the schema that is referred to; undefined where none is. */
export function nameOf({ $ref }: Schema): string | undefined {
  return $ref?.startsWith(prefix) ? $ref.slice(prefix.length) : undefined
}

export function resolved(schema: Schema, document: ApiDocument): Schema {
  const name = nameOf(schema)
  return name === undefined ? schema : (document.components.schemas[name] ?? {})
}

/** A body of this schema: what it gives as an example, else one that is made up member by member. */
export function exampleOf(schema: Schema, document: ApiDocument, depth = 8): unknown {
  const known = resolved(schema, document)
  if (known.example !== undefined) return known.example
  if (known.const !== undefined) return known.const
  if (known.enum !== undefined) return known.enum[0]
  const [first] = known.oneOf ?? known.anyOf ?? []
  if (first !== undefined) return exampleOf(first, document, depth - 1)
  if (depth === 0) return '…'
  if (known.properties !== undefined) {
    const members = Object.entries(known.properties)
    return Object.fromEntries(members.map(([name, member]) => [name, exampleOf(member, document, depth - 1)]))
  }
  const type = typeof known.type === 'string' ? known.type : known.type?.[0]
  if (type === 'array') return known.items === undefined ? [] : [exampleOf(known.items, document, depth - 1)]
  if (type === 'object') return {}
  if (type === 'integer' || type === 'number') return 1
  if (type === 'boolean') return true
  if (known.contentEncoding === 'base64') return 'MEUCIQ…'
  return '…'
}
