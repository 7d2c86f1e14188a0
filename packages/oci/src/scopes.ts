/** Scopes of tokens: `repository:NAME:ACTIONS`, several of them between blanks. */

export type Action = 'pull' | 'push'

export function scopeText(repository: string, actions: readonly Action[]): string {
  return `repository:${repository}:${actions.join(',')}`
}

/**
 * What the registry names comes first: some token services look at the first scope alone. What the rest
 * covers is left out.
 */
export function mergedScopes(own: readonly string[], asked: string | undefined): readonly string[] {
  const further = (asked ?? '')
    .slice(0, 4000)
    .split(' ')
    .filter((scope) => scope !== '')
  return [...new Set([...further.filter((scope) => !own.some((each) => covers(each, scope))), ...own])]
}

function covers(scope: string, other: string): boolean {
  const [one, two] = [partsOf(scope), partsOf(other)]
  return one.resource === two.resource && two.actions.every((action) => one.actions.includes(action))
}

function partsOf(scope: string): { readonly resource: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(':')
  return { resource: scope.slice(0, colon), actions: scope.slice(colon + 1).split(',') }
}
