/*
 * Words for the groups "clock", "revocation", "transparency" and "pin": what changes over time.
 */
#include "trust/words.h"

WORDS(EXPIRED, "A certificate has expired",
      "Certificates are valid for a limited time. This one has run out. Usually the server's owner "
      "forgot to renew it. If this computer's clock were wrong, a separate finding would say so.",
      "Wait for the owner to renew it, and tell them if you can. Do not enter anything private "
      "until then.",
      "Renew the certificate, load it into the running server, and let a machine do both from "
      "now on.")

WORDS(NOT_YET_VALID, "A certificate is not valid yet",
      "The certificate's time begins in the future. Either it was installed too early, the "
      "issuer's clock is fast, or this computer's clock is slow.",
      "Look at this computer's date and time first. If they are right, try again later.",
      "Check the clocks of the server and of the authority that issued the certificate.")

WORDS(EXPIRES_SOON, "The certificate expires soon", "It is valid now, but not for much longer.",
      "Nothing needs doing.",
      "Renew it before the date given, and see why automatic renewal has not done so.")

WORDS(CLOCK_WRONG, "This computer's clock is wrong, and that is why the certificate looks invalid",
      "Certificates are valid from one date to another, and this computer compares those dates "
      "with its own clock. The clock is off by so much that a good certificate looks expired or "
      "not yet valid. At the true time it would have passed.",
      "Set the date and time, and switch on automatic time. Check the time zone as well. If the "
      "clock goes wrong again after every start, its battery is empty.",
      "Allow NTP (UDP port 123) or give computers a time server they can reach.")

WORDS(CLOCK_OFF, "This computer's clock is off, though that changes nothing here",
      "The clock differs from the time others keep. The certificate would get the same verdict "
      "at the right time.",
      "Switch on automatic time before the difference grows.",
      "Give computers a time server they can reach.")

WORDS(CLOCK_UNVERIFIED, "This computer's clock could not be compared with any other",
      "No time server answered, so it is not known whether the clock is right. Dates in this "
      "report are judged by this computer's own clock.",
      "Compare the date and time with another device.",
      "Allow NTP (UDP port 123) or Roughtime (UDP port 2002 or 2003) to at least one server.")

WORDS(TIME_SERVER_LIES, "A time server gave an answer that cannot be true",
      "One of the servers asked for the time gave an answer that its own signature, the others, "
      "or the dates of signed documents contradict. Its answer was not used.",
      "Nothing needs doing. If it happens on one network only, be careful on that network.",
      "Find out who answers for that time server on your network.")

WORDS(REVOKED, "The certificate has been revoked by its issuer",
      "The authority that issued this certificate has withdrawn it before its time, for example "
      "because the key was stolen. It must not be trusted by anybody.",
      "Do not go on. There is no safe way to use this server until its owner replaces the "
      "certificate.",
      "Replace the certificate and its key at once, and find out why it was revoked.")

WORDS(REVOCATION_UNKNOWN, "It could not be checked whether the certificate has been revoked",
      "The issuer offers a way to ask, but no usable answer came: the server did not include one "
      "and the issuer's list was not fetched or not reachable. That is common and by itself no "
      "sign of danger.",
      "Nothing needs doing for ordinary sites.",
      "Allow plain HTTP to the addresses in the certificate (CRL distribution points), and let "
      "the server staple OCSP where the authority still offers it.")

WORDS(REVOCATION_NONE, "The certificate names no way to ask whether it was revoked",
      "Short-lived certificates leave this out, and so do many private authorities. It means "
      "that a stolen key stays usable until the certificate runs out.",
      "Nothing needs doing.",
      "For a private authority, publish a revocation list and name it in the certificates, or "
      "issue for a few days at a time.")

WORDS(REVOCATION_UNUSABLE, "A revocation list or answer was there, but could not be used",
      "The document that should say whether the certificate was revoked is out of date, wrongly "
      "signed, or about something else. It proves nothing in either direction.",
      "Nothing needs doing for ordinary sites.",
      "Look at the list's dates and signature; the issuer publishes it too seldom, or somebody "
      "on the way keeps an old copy.")

WORDS(STAPLE_REQUIRED, "The certificate demands a fresh proof of validity that the server left out",
      "The owner asked the authority to mark the certificate so that it only counts together with "
      "a recent statement that it is not revoked. The server did not send that statement.",
      "Try again later and tell the site's owner. Until then, treat the site as unverified.",
      "Switch on OCSP stapling and check that the server can reach its authority; or issue again "
      "without must-staple.")

WORDS(STAPLE_INVALID, "The proof of validity that the server sent does not fit its certificate",
      "The server included a statement about revocation, but it is wrongly signed, damaged or "
      "about another certificate. A correct server would not send it.",
      "Do not enter anything private. Tell the site's owner.",
      "Clear the server's stapling cache, and check that it staples the answer of the authority "
      "that issued this very certificate.")

WORDS(STAPLE_STALE, "The proof of validity that the server sent is out of date",
      "The server included a statement about revocation that has run out. It no longer says "
      "anything about today.",
      "Nothing needs doing.", "See why the server cannot renew its stapled OCSP answer.")

WORDS(SCT_MISSING, "The certificate is in no public log, though it should be",
      "Public authorities enter every certificate in open logs, so that forged ones come to "
      "light, and put the receipts into the certificate. This one has no receipts although a "
      "public authority signed it. Browsers refuse such certificates.",
      "Browsers may refuse this site. Tell its owner.",
      "Ask the authority for a certificate with embedded SCTs.")

WORDS(SCT_TOO_FEW, "The certificate is in fewer public logs than browsers demand",
      "There are receipts from public logs, but not enough of them, or all from one operator.",
      "Browsers may refuse this site. Tell its owner.",
      "Ask the authority to issue again; two receipts from two operators are needed up to 180 "
      "days of validity, three beyond.")

WORDS(SCT_INVALID, "A receipt from a public log is forged or damaged",
      "The certificate carries a receipt that the log it names did not sign for this "
      "certificate.",
      "Be careful: do not enter anything private until the owner has an explanation.",
      "Ask the authority to issue again. If it was not you who requested this certificate, look "
      "for it in the public logs.")

WORDS(SCT_UNKNOWN_LOG, "A receipt comes from a log that is not on the list",
      "The certificate carries a receipt from a log that this program's list does not know. The "
      "list may be old, or the log may be a private one. The receipt was not counted.",
      "Nothing needs doing.", "Update the log list.")

WORDS(PIN_MISMATCH, "None of the keys expected for this name is in the chain",
      "Somebody noted in advance which keys may stand behind this name: that is a pin. The "
      "certificate may look perfectly valid, but it is none of those. Either the owner changed "
      "keys without notice, or somebody is in between.",
      "Do not go on. Ask whoever set the pin, over another channel, whether the key has changed.",
      "If the change is yours, publish the new pin. Always keep a backup pin whose key is not in "
      "use.")

WORDS(PIN_EXPIRED, "The pin for this name has expired",
      "A pin is only meant to hold until a certain date. That date has passed, so the pin was not "
      "applied.",
      "Renew or remove the pin: midwatch pin list.",
      "Publish fresh pins before the old ones run out.")

WORDS(PIN_NO_BACKUP, "The pin for this name has no backup",
      "Only one key is noted for this name. When its owner has to change it, every program that "
      "holds the pin will refuse the site.",
      "Add a second pin if the site's owner publishes one.",
      "Create a second key now, keep it offline, and publish its pin as the backup.")

WORDS(PIN_BACKUP_USED, "The server uses its backup key",
      "The key in the chain is not the usual one but the one noted as backup. The owner probably "
      "had to change keys.",
      "Nothing needs doing.",
      "Make a new backup key and publish its pin, as the old backup is now in use.")
