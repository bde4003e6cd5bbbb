/*
 * Words for the group "authority": who vouches, and whether this computer believes them.
 */
#include "trust/words.h"

WORDS(UNKNOWN_AUTHORITY, "Nobody this computer trusts vouches for this certificate",
      "Certificates are signed by authorities, and your computer keeps a list of those it "
      "believes. The signer of this one is not on the list. That happens when a company uses an "
      "authority of its own, when a filter or antivirus program re-signs traffic and its own "
      "certificate is not installed here, or when somebody pretends to be the server.",
      "Do not enter anything private. If this is a company's own server, ask its IT for the "
      "right way to trust it. The issuer named above tells you whom to ask about.",
      "For your own server: use a certificate from a public authority, or deliver your private "
      "root to the computers that need it through device management. For an inspecting gateway: "
      "exempt this host, or deliver the gateway's root.")

WORDS(SELF_SIGNED, "The server signed its own certificate",
      "Nobody else vouches for this server: the certificate says so itself. New devices, test "
      "servers and printers do that. So can anybody who pretends to be the server; from the "
      "outside the two look alike.",
      "Go on only if you expected this, for example with a device you have just set up, and only "
      "after comparing the fingerprint with the one the device or its owner shows you.",
      "Put a certificate from a public or your own authority on the server. Free ones renew "
      "themselves (ACME).")

WORDS(KNOWN_BAD_ROOT, "The certificate comes from a root known to be harmful",
      "The signer is one that must not be trusted by anybody. It came with adware or with "
      "software that left its secret key in every copy, so that whoever has the key can pretend "
      "to be any site. Whether this computer trusts it makes no difference.",
      "Do not use this computer for anything private until it is cleaned. Remove the program "
      "that brought the certificate and the certificate itself, then change passwords from "
      "another computer.",
      "Remove the root from every trust store (the system's, and those of browsers), find out "
      "what installed it, and treat what was typed on this computer as seen.")

WORDS(DISTRUSTED_ROOT, "Browsers have stopped trusting this authority",
      "The authority behind this certificate was once trusted by everybody and lost that trust, "
      "usually after issuing certificates it should not have. It may still stand in this "
      "computer's list.",
      "Treat the site as unverified. Updating your system usually removes such an authority.",
      "Replace the certificate by one from an authority in good standing, and update the trust "
      "store.")

WORDS(CONSTRAINED_ROOT, "This authority is trusted, but not for this name or date",
      "Some authorities are trusted only in part: for certain domains, or for certificates issued "
      "before a certain day. This certificate lies outside that part.",
      "Treat the site as unverified and tell its owner.",
      "Get a certificate from an authority without that limit.")

WORDS(LOCAL_ANCHOR, "An authority that somebody added to this computer vouches for it",
      "The chain ends in a root that is not among the public ones. Somebody installed it here: "
      "you, your company, or a program. For servers inside a company that is normal. For a site "
      "on the public internet it means that somebody re-signs its certificate.",
      "If you know who installed the root and why, nothing needs doing. Otherwise find out: "
      "whoever holds it can pretend to be any site to this computer.",
      "Keep a list of the roots you deliver, limit them with name constraints, and guard their "
      "keys well.")
