/** A variable that is empty, or blank as some files of variables leave it, is one that is not set. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}
