/** Which tests a change can break: those of the rooms it touches, and of all that stand on them. */

/** A package or service, by its folder: `packages/ct`. */
export type Room = {
  readonly folder: string
  readonly name: string
  /** Names of those it imports, for its tests too. */
  readonly imports: readonly string[]
}

/** Prose and pictures change no answer; anything else outside of the rooms may change all of them. */
const withoutEffect = /^(?:docs\/|[^/]+\.md$|LICENSE$|deploy\/grafana\/)/

/** `undefined`: every room. Paths are from the root, with `/`. */
export function roomsToTest(
  rooms: readonly Room[],
  changedFiles: readonly string[],
): readonly string[] | undefined {
  const wanted = new Set<string>()
  for (const file of changedFiles) {
    const room = rooms.find(({ folder }) => file.startsWith(`${folder}/`))
    if (room !== undefined) addWithImporters(rooms, room, wanted)
    else if (!withoutEffect.test(file)) return undefined
  }
  return rooms.map(({ folder }) => folder).filter((folder) => wanted.has(folder))
}

function addWithImporters(rooms: readonly Room[], room: Room, wanted: Set<string>): void {
  if (wanted.has(room.folder)) return
  wanted.add(room.folder)
  for (const other of rooms) if (other.imports.includes(room.name)) addWithImporters(rooms, other, wanted)
}
