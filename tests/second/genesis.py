"""The genesis file, its rules and the first validator set. EVIDENCE.md, section 5. What breaks a rule: cannot tell."""

import json
import re

import params
import twin
from codec import CannotTell
from keys import is_sound_point, labelled, sha256
from schema import FIRST_PROTOCOL, NEWEST_PROTOCOL, is_hint, is_name, is_peer, is_title, set_is_well_formed

ROLES = ("consortium", "district", "school", "funder", "auditor", "reader")
LIMIT = 16_777_216


def rule(condition, why):
    if not condition:
        raise CannotTell(f"genesis file: {why}")


def unique_members(pairs):
    rule(len({name for name, _ in pairs}) == len(pairs), "a member twice")
    return dict(pairs)


def refuse(text):
    raise CannotTell(f"genesis file: {text} is not a number")


def whole(text):
    return refuse(text) if text == "-0" else int(text)


def members_of(value, required, optional=()):
    rule(isinstance(value, dict), "not an object")
    rule(set(required) <= set(value), f"a member is missing of {required}")
    rule(set(value) <= set(required) | set(optional), "an unknown member")
    return value


def number(value, bits):
    rule(type(value) is int and 0 <= value < 1 << bits, "a number out of range")
    return value


def text(value, judge):
    rule(isinstance(value, str), "not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        rule(False, "text that is not Unicode")
    rule(judge(value), "a text that breaks its rule")
    return value


def key(value):
    text(value, lambda v: re.fullmatch("[0-9a-fA-F]{64}", v))
    raw = bytes.fromhex(value)
    rule(is_sound_point(raw), "a key of small order or not canonical")
    return raw


def items(value):
    rule(isinstance(value, list), "not a list")
    return value


def distinct(values, what):
    rule(len(set(values)) == len(values), f"{what} twice")


def read(data):
    """The file's hash, chain id, time and validator set."""
    rule(len(data) <= LIMIT, "too long")
    rule(b"\r\n" not in data, "Windows line ends")
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=unique_members, parse_constant=refuse, parse_int=whole)
    except (ValueError, RecursionError) as error:
        raise CannotTell(f"genesis file: {error}")
    members_of(document, ("name", "time_ms", "members", "validators"),
               ("protocol", "params", "twin", "districts", "schools", "sources"))
    text(document["name"], is_name)
    number(document["time_ms"], 64)
    protocol = number(document.get("protocol", FIRST_PROTOCOL), 16)
    rule(FIRST_PROTOCOL <= protocol <= NEWEST_PROTOCOL, "a protocol that is not known here")
    check_params(document.get("params", {}))
    twin.check_file(document.get("twin", {}), (members_of, number, text, rule, items))
    schools = check_schools(document)
    for source in check_sources(document):
        members_of(source, ("title", "text"))
        text(source["title"], lambda t: 1 <= len(t.encode()) <= 120)
        text(source["text"], lambda t: 1 <= len(t.encode()) <= 2_000)
    names, keys = check_members(items(document["members"]), schools)
    digest = sha256(data)
    return {
        "hash": digest,
        "chain_id": f"{document['name']}-{digest.hex()[:8]}",
        "time_ms": document["time_ms"],
        "protocol": protocol,
        "validators": validator_set(items(document["validators"]), names, keys),
    }


def check_params(given):
    members_of(given, (), tuple(params.TABLE))
    full = params.DEFAULTS | given
    for name, (size, *_) in params.TABLE.items():
        number(full[name], 8 * size)
    rule(params.in_range(full), "parameters out of range")


def check_sources(document):
    sources = items(document.get("sources", []))
    rule(len(sources) <= 64, "too many sources")
    return sources


def check_schools(document):
    districts, schools = set(), {}
    for district in items(document.get("districts", [])):
        members_of(district, ("id", "name"))
        identity = number(district["id"], 16)
        rule(identity not in districts, "a district twice")
        text(district["name"], is_title)
        districts.add(identity)
    for school in items(document.get("schools", [])):
        members_of(school, ("id", "district", "school_type"), ("name", "position"))
        if school.get("name") is not None:
            text(school["name"], is_title)
        if school.get("position") is not None:
            members_of(school["position"], ("latitude_e6", "longitude_e6"))
            for name, limit in (("latitude_e6", 90_000_000), ("longitude_e6", 180_000_000)):
                degrees = school["position"][name]
                rule(type(degrees) is int and -limit <= degrees <= limit, "a position that is none")
        identity = number(school["id"], 32)
        rule(identity not in schools, "a school twice")
        rule(number(school["district"], 16) in districts, "a school in an unlisted district")
        text(school["school_type"], is_name)
        schools[identity] = school["district"]
    return districts, schools


def check_members(members, places):
    districts, schools = places
    names, keys, consortium = [], [], False
    for member in members:
        members_of(member, ("name", "roles", "public_key"), ("district", "school"))
        names.append(text(member["name"], is_name))
        keys.append(key(member["public_key"]))
        roles = [text(role, lambda r: r in ROLES) for role in items(member["roles"])]
        rule(roles, "a member without a role")
        consortium |= "consortium" in roles
        district, school = member.get("district"), member.get("school")
        if district is not None:
            number(district, 16)
            rule(district in districts, "a member's district is not listed")
        if school is not None:
            number(school, 32)
        of_district, of_school = "district" in roles, "school" in roles
        rule((district is not None) == (of_district or of_school), "a district that is not the role's")
        rule((school is not None) == of_school, "a school that is not the role's")
        if of_school:
            rule(schools.get(school) == district, "a school that is not in the member's district")
    distinct(names, "a member's name")
    distinct(keys, "a member's key")
    rule(consortium, "no member with the role consortium")
    return set(names), keys


def validator_set(validators, operators, member_keys):
    names, peers, members, seed_keys = [], [], [], []
    for validator in validators:
        members_of(validator, ("name", "operator", "public_key", "peer_id", "listen", "seed_key"), ("power",))
        seed_keys.append(key(validator["seed_key"]))
        names.append(text(validator["name"], is_name))
        rule(text(validator["operator"], is_name) in operators, "an operator who is not a member")
        public_key = key(validator["public_key"])
        power = number(validator.get("power", 1), 64)
        rule(power == 1, "a power other than 1")
        peers.append(text(validator["peer_id"], is_peer))
        text(validator["listen"], is_hint)
        members.append({
            "address": labelled("validator-address", public_key)[:20], "public_key": public_key, "power": power})
    distinct(names, "a validator's name")
    distinct(peers, "a peer")
    distinct([*seed_keys, *member_keys], "a seed key")
    members.sort(key=lambda m: m["address"])
    whole = {"members": members}
    rule(set_is_well_formed(whole), "a validator set that is none")
    return whole
