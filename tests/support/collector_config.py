"""Checks configurations of an OpenTelemetry collector: that each is YAML, that every setting is one that its component has, with a
value of its kind, and that pipelines, components and storage fit together. Arguments: the facts, and the configurations. Prints what is
wrong, a line each, and how many settings it looked at."""
import json
import re
import sys

import yaml


class Unique(yaml.SafeLoader):
    """A key that stands twice is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.YAMLError(f"a key stands twice in line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep)


KINDS = {
    "text": lambda said: isinstance(said, str),
    "texts": lambda said: isinstance(said, list) and said and all(isinstance(one, str) for one in said),
    "bool": lambda said: isinstance(said, bool),
    "number": lambda said: isinstance(said, (int, float)) and not isinstance(said, bool),
    "duration": lambda said: isinstance(said, str) and re.fullmatch(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+", said),
    "map": lambda said: isinstance(said, dict),
}


class Check:
    def __init__(self, name, config, facts):
        self.name, self.config, self.facts = name, config, facts
        self.wrong, self.looked = [], 0

    def say(self, text):
        self.wrong.append(f"{self.name}: {text}")

    def value(self, place, said, kind):
        self.looked += 1
        if isinstance(kind, dict):
            if not isinstance(said, dict):
                return self.say(f"{place} is not a map")
            for key, inner in said.items():
                if key not in kind:
                    self.say(f"{place}.{key} is no setting")
                else:
                    self.value(f"{place}.{key}", inner, kind[key])
        elif isinstance(kind, list) and kind and isinstance(kind[0], dict):
            if not isinstance(said, list):
                return self.say(f"{place} is not a list")
            for at, inner in enumerate(said):
                self.value(f"{place}[{at}]", inner, kind[0])
        elif isinstance(kind, list):
            if said not in kind:
                self.say(f"{place} is {said!r}, none of {kind}")
        elif kind == "storage":
            if said not in self.config.get("service", {}).get("extensions", []):
                self.say(f"{place} names {said!r}, which is no extension of the service")
        elif not KINDS[kind](said):
            self.say(f"{place} is {said!r}, no {kind}")

    def components(self):
        for group in ("receivers", "extensions", "exporters"):
            for name, said in (self.config.get(group) or {}).items():
                known = self.facts[group].get(name.split("/")[0])
                if known is None:
                    self.say(f"{group}.{name} is not known here")
                else:
                    self.value(f"{group}.{name}", said, known["settings"])

    def service(self):
        for key in self.config:
            if key not in ("receivers", "extensions", "exporters", "service"):
                self.say(f"{key} is not expected")
        service = self.config.get("service") or {}
        used = {"extensions": set(service.get("extensions", [])), "receivers": set(), "exporters": set()}
        if not service.get("pipelines"):
            self.say("there is no pipeline")
        for name, pipeline in (service.get("pipelines") or {}).items():
            if name.split("/")[0] != "logs" or set(pipeline) != {"receivers", "exporters"}:
                self.say(f"the pipeline {name} is not one of logs, with receivers and exporters alone")
            for group, names in pipeline.items():
                used.setdefault(group, set()).update(names)
        for group, names in used.items():
            defined = set(self.config.get(group) or {})
            for name in sorted(names ^ defined):
                self.say(f"{group}.{name} is {'not used' if name in defined else 'not defined'}")

    def nothing_is_given_up(self):
        """What these recipes promise: queues on disk, and no end to trying."""
        for name, said in (self.config.get("exporters") or {}).items():
            if not said.get("sending_queue", {}).get("storage"):
                self.say(f"exporters.{name} has its queue in memory")
            retry = said.get("retry_on_failure", {})
            if retry.get("enabled") is not True or retry.get("max_elapsed_time") != "0s":
                self.say(f"exporters.{name} gives up")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        facts = json.load(file)
    looked = 0
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            try:
                config = yaml.load(file, Loader=Unique)
            except yaml.YAMLError as error:
                print(f"{path}: {error}")
                continue
        check = Check(path.rsplit("/", 1)[-1], config, facts)
        check.components()
        check.service()
        check.nothing_is_given_up()
        print("\n".join(check.wrong), end="\n" if check.wrong else "")
        looked += check.looked
    print(f"looked at {looked}")


main()
