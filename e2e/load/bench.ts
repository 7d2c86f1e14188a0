/** `npm run bench` measures appends and issuances, `npm run bench -- audit` an audit. */
if (process.argv[2] === 'audit') await import('./audit.ts')
else await import('./main.ts')
