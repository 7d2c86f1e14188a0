/** The environment as one service of the stack sees it. */
import { type Environment, isSet, variableNames } from '@sigstack/server'
import { type TObject, Type } from 'typebox'

export type Layers = {
  /** Where the operator says nothing. */
  readonly standard?: Environment
  /** Whatever the operator says; undefined: as if it were not set. */
  readonly decided: Environment
}

export function layered(environment: Environment, schema: TObject, layers: Layers): Environment {
  const result: Record<string, string | undefined> = { ...environment }
  for (const [name, value] of Object.entries(layers.standard ?? {})) {
    const isSaid = namesOf(schema, name).some((each) => isSet(environment[each]))
    if (!isSaid) result[name] = value
  }
  for (const [name, value] of Object.entries(layers.decided)) {
    for (const each of namesOf(schema, name)) result[each] = undefined
    result[name] = value
  }
  return result
}

/** A variable's own name, its former ones, and those of files with it. */
export function namesOf(schema: TObject, name: string): readonly string[] {
  const variable = schema.properties[name]
  return variable === undefined ? [name] : variableNames(Type.Object({ [name]: variable }))
}
