/** Answers of a monitor, as its readers may rely on them. */
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { Alarm, Log, pageSchema, Watch } from './bodies.ts'

/** What was told in a body: a text may be a word that is not in our lists. */
export type Told<Body> = unknown extends Body
  ? Body
  : Body extends string
    ? string
    : { readonly [Name in keyof Body]: Told<Body[Name]> }

/** JSON to what it tells; undefined for what has another form. */
type Read<Schema extends TSchema> = (json: unknown) => Told<Static<Schema>> | undefined

export const readAlarm = readerOf(Alarm)
export const readAlarms = readerOf(pageSchema('alarms', Alarm))
export const readWatches = readerOf(pageSchema('watches', Watch))
export const readLogs = readerOf(Type.Object({ logs: Type.Array(Log) }))

function readerOf<Schema extends TSchema>(schema: Schema): Read<Schema> {
  // A newer monitor may say a word more; without `enum` it is still a text.
  const tolerant = JSON.parse(
    JSON.stringify(schema, (name, value: unknown) => (name === 'enum' ? undefined : value)),
  ) as TSchema
  return (json) => (Value.Check(tolerant, json) ? (json as Told<Static<Schema>>) : undefined)
}
