// Verifies one token again and again with `jose`: prints how many a second.
//
//   node jose.mjs SECONDS JWKS TOKEN ISSUER AUDIENCE

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [seconds, jwksFile, tokenFile, issuer, audience] = process.argv.slice(2);
// Installed below target/, where scripts/bench starts it.
const { createLocalJWKSet, jwtVerify } = await import(createRequire(`${process.cwd()}/`).resolve("jose"));
const keys = createLocalJWKSet(JSON.parse(readFileSync(jwksFile, "utf8")));
const token = readFileSync(tokenFile, "utf8");
const options = { issuer, audience, algorithms: ["RS256"], clockTolerance: 60 };

const start = performance.now();
let verified = 0;
while (performance.now() - start < seconds * 1000) {
  for (let i = 0; i < 64; i++) {
    await jwtVerify(token, keys, options);
  }
  verified += 64;
}
console.log((verified * 1000) / (performance.now() - start));
