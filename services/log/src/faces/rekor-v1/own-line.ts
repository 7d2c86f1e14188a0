/**
 * A checkpoint with the first signature line alone, which is the log's own. Clients of Rekor v1 (rekor's `SignedNote.Verify`, so rekor-cli,
 * cosign and sigstore-go) refuse one of v1 that any other key has signed too; whoever wants those lines reads `/checkpoint`.
 */
export function withOwnLineAlone(note: string): string {
  const end = note.indexOf('\n', note.indexOf('\n\n') + 2) + 1
  return end === note.length ? note : note.slice(0, end)
}
