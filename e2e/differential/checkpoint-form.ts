/** Lines of a checkpoint but for size, root and signature. */
export function checkpointForm(note: string): string {
  const [origin = '', size = '', root = '', ...rest] = note.split('\n')
  return [
    origin,
    /^\d+$/.test(size) ? '<size>' : size,
    /^[\w+/]{43}=$/.test(root) ? '<root>' : root,
    ...rest.map((line) => line.replace(/[\w+/]{60,}={0,2}$/, '<signature>')),
  ].join('\n')
}
