"""The rules by which travelling files are accepted, without files, clock or network.

Each function gets what the workspace knows. It returns a header that may be relied on, or raises the first
rule that fails. Each rule has its own reason. Their order is part of the rules:

1. **kind**: a file is only ever read as what its signature says it is;
2. **signer**: the key id picks a key that is trusted already, and an unknown signer ends it here;
3. **signature**: only now is the header parsed;
4. **study**, then **plan**, then **round**: the file belongs here and now;
5. **replay**: nothing that was answered, summed or replaced before is taken in again;
6. **parts**: recipients, keys, shares and sizes agree with the plan;
7. **body**: length and SHA-256. Decrypting and parsing come after all of this, in the caller.

First plans and cards are exceptions to rule 2. They carry their own key, and people compare key words by
phone in place of trust in it.

What a round has taken in so far decides on the next file too. :mod:`.cohort` is that state for a coordinator.
"""
