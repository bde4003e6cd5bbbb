/*
 * Words for the group "chain": the certificates do not hold together.
 */
#include "trust/words.h"

#define PERSON_SERVER_FAULT                                                                        \
    "Nothing on your computer is wrong and nothing on it will help. Tell the server's owner, and " \
    "do not enter anything private until it is mended."

WORDS(MISSING_INTERMEDIATE, "The server leaves out a certificate in the middle of its chain",
      "Between the server's certificate and the authority you trust stand one or more "
      "intermediate certificates. The server has to send them and did not. Browsers often mend "
      "this by fetching the missing piece, so the site may work there and fail in other "
      "programs.",
      "Nothing on your computer is wrong. The site's owner must mend it; sending them this report "
      "is enough.",
      "Install the full chain, not only the server's certificate: with most servers that is the "
      "file called fullchain.pem. Check with an app, not with a browser, as browsers hide it.")

WORDS(CHAIN_ORDER, "The server sends its certificates in the wrong order",
      "Each certificate should be followed by the one that signed it. Here they are mixed up. "
      "Most programs cope, some older ones do not.",
      "Nothing needs doing.",
      "Put the certificates in order: the server's own first, then each one's signer.")

WORDS(CHAIN_SUPERFLUOUS, "The server sends certificates that are not needed",
      "Some of the certificates that came along play no part in the proof. They cost a little "
      "time on every connection and do no harm.",
      "Nothing needs doing.", "Remove the root and anything unrelated from the chain file.")

WORDS(CHAIN_TOO_LONG, "The chain of certificates is longer than allowed",
      "There are more certificates between the server and the authority than the limit permits. "
      "Real chains have two to four.",
      PERSON_SERVER_FAULT, "Issue from an authority closer to the root.")

WORDS(CHAIN_TOO_COMPLEX, "The certificates are too tangled to check",
      "The server sent so many certificates, signing each other in so many ways, that checking "
      "all of them would take unreasonable time. Ordinary servers never do this; it may be an "
      "attempt to keep programs busy. The check was stopped and counts as failed.",
      PERSON_SERVER_FAULT, "Send only the server's certificate and the intermediates it needs.")

WORDS(CERT_MALFORMED, "A certificate cannot be read",
      "The bytes the server sent as a certificate do not follow the format. They may be damaged, "
      "cut short, or not a certificate at all.",
      PERSON_SERVER_FAULT,
      "Look at the file with openssl x509 -text; export it again from the authority.")

WORDS(BAD_SIGNATURE, "A signature in the chain is wrong",
      "One certificate claims to be signed by the next, but the signature does not fit. Either it "
      "was changed after signing, or another key of the same name signed it.",
      "Do not go on: a forged certificate looks exactly like this. Tell the server's owner.",
      "Check that the intermediate belongs to this certificate: authorities renew intermediates "
      "under the same name with a new key.")

WORDS(NOT_A_CA, "Somebody signed a certificate without being allowed to",
      "A certificate in the chain was used to sign another one, but it does not carry the mark "
      "of an authority. If that were accepted, every site's owner could vouch for any other site.",
      PERSON_SERVER_FAULT,
      "Issue from a certificate with basicConstraints CA:TRUE. If you did not issue this chain, "
      "treat it as an attack.")

WORDS(PATH_LENGTH, "An authority went one level further than it may",
      "An authority in the chain may only have a limited number of authorities below it, and "
      "there are more.",
      PERSON_SERVER_FAULT,
      "Raise pathLenConstraint in the upper certificate, or issue from a higher one.")

WORDS(NAME_CONSTRAINT, "The authority is not allowed to vouch for this name",
      "An authority in the chain is limited to certain names, for example those of one company. "
      "The certificate holds a name outside that limit.",
      PERSON_SERVER_FAULT,
      "Take the names outside the permitted trees out of the certificate, or widen the "
      "nameConstraints of the issuing authority.")

WORDS(POLICY_CONSTRAINT, "The chain breaks a policy rule that one of its authorities made",
      "An authority demanded that everything below it follow a certain written policy. The chain "
      "does not show that it does.",
      PERSON_SERVER_FAULT,
      "Compare certificatePolicies, policyMappings and policyConstraints along the chain.")

WORDS(CRITICAL_EXTENSION, "A certificate demands something that programs do not know",
      "Part of a certificate is marked as critical: whoever does not understand it must refuse. "
      "This part is not known, so refusing is the only safe answer.",
      PERSON_SERVER_FAULT, "Issue without the unusual critical extension.")

WORDS(EXTENSION_MALFORMED, "A part of a certificate cannot be read",
      "One of the certificate's extensions, the fields that say what it may be used for, does "
      "not follow the format. Its limits cannot be known, so it is refused.",
      PERSON_SERVER_FAULT, "Issue the certificate again with well-formed extensions.")

WORDS(EXTENSION_RULE, "A certificate breaks a rule of the standard",
      "The certificate can be read, but it leaves out something that it must have, or has "
      "something that it must not. Browsers and careful programs refuse such certificates.",
      PERSON_SERVER_FAULT,
      "The evidence names the rule. Compare with RFC 5280 section 4.2 and the CA/Browser Forum's "
      "baseline requirements, and issue again.")

WORDS(KEY_USAGE, "A key is used for something its certificate does not allow",
      "A certificate states what its key is for: signing certificates, signing lists, proving who "
      "a server is. Here the key was used for something else.",
      PERSON_SERVER_FAULT, "Give authorities keyCertSign and servers digitalSignature in keyUsage.")

WORDS(WRONG_PURPOSE, "The certificate is not meant for a server",
      "The certificate is made for another purpose, such as mail or signing programs, or an "
      "authority above it may only issue for another purpose.",
      PERSON_SERVER_FAULT, "Issue with extendedKeyUsage serverAuth, in the intermediates too.")

WORDS(KEY_IDENTIFIER, "The labels that tie the certificates together do not fit",
      "Certificates carry labels saying which key signed them. Here one is missing or points to "
      "another key. Careful programs refuse that.",
      PERSON_SERVER_FAULT,
      "Issue with authorityKeyIdentifier equal to the issuer's subjectKeyIdentifier.")

WORDS(CERT_VERSION, "A certificate has an outdated format",
      "Only version 3 certificates can say what they may be used for. This one has an older or "
      "unknown version.",
      PERSON_SERVER_FAULT, "Issue the certificate again as X.509 version 3.")

WORDS(BAD_SERIAL, "A certificate's serial number breaks the rules",
      "Serial numbers must be positive and at most 20 bytes long, or the certificate could not be "
      "reliably revoked.",
      PERSON_SERVER_FAULT, "Issue with a random positive serial number of 8 to 20 bytes.")

WORDS(BAD_SUBJECT, "A certificate's owner is not named properly",
      "An authority's certificate must say who it belongs to, and a name must not hide in an "
      "unusual place. This one does not follow that.",
      PERSON_SERVER_FAULT, "Issue with a proper, non-empty subject.")

WORDS(CA_AS_LEAF, "The server uses an authority's certificate as its own",
      "The certificate shown is one that may sign others. A server must not hold such a key: "
      "whoever breaks into it could vouch for any site.",
      PERSON_SERVER_FAULT,
      "Issue a separate certificate for the server, with CA:FALSE, and take the authority's key "
      "off that machine.")

WORDS(WEAK_KEY, "A key in the chain is too weak",
      "A key this small, or of this kind, can be broken with ordinary means today. Whoever does "
      "so can pretend to be the server.",
      PERSON_SERVER_FAULT, "Use RSA with at least 2048 bits, or ECDSA on P-256 or P-384.")

WORDS(WEAK_SIGNATURE, "A signature in the chain uses a broken method",
      "The certificate was signed with an old method, such as SHA-1 or MD5, for which forgeries "
      "have been made.",
      PERSON_SERVER_FAULT, "Issue again with SHA-256 or better.")

WORDS(VALIDITY_TOO_LONG, "The certificate is valid for longer than authorities may grant",
      "Public authorities may issue certificates only for a limited time, so that a stolen key "
      "does not work for years. This one lasts longer.",
      PERSON_SERVER_FAULT,
      "Issue for less time: at most 398 days before 15 March 2026, 200 days since, 100 days from "
      "15 March 2027 and 47 days from 15 March 2029.")
