// Compiles SystemPause.sol with the solc of the folder in the first argument, and writes bytecode and selectors as JSON.
const { readFileSync } = require('fs');
const { join } = require('path');
const solc = require(join(process.argv[2], 'node_modules', 'solc'));
const content = readFileSync(join(__dirname, 'SystemPause.sol'), 'utf8');
const input = {
  language: 'Solidity',
  sources: { 'SystemPause.sol': { content } },
  settings: {
    evmVersion: 'cancun',
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: 'none', appendCBOR: false },
    outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.methodIdentifiers'] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors || []).filter((error) => error.severity === 'error');
if (errors.length) {
  console.error(errors.map((error) => error.formattedMessage).join('\n'));
  process.exit(1);
}
const found = {};
for (const [name, contract] of Object.entries(output.contracts['SystemPause.sol'])) {
  found[name] = { bytecode: contract.evm.bytecode.object, selectors: contract.evm.methodIdentifiers };
}
console.log(JSON.stringify(found, null, 2));
