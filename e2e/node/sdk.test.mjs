// The providers' own libraries through a gateway; see house.mjs for what starts
// this. The tests run one after the other: they share the providers' fakes.

import './sdk-openai.mjs'
import './sdk-groq.mjs'
import './sdk-anthropic.mjs'
import './sdk-google.mjs'
import './sdk-resend.mjs'
import './sdk-ai.mjs'
import './sdk-unified.mjs'
