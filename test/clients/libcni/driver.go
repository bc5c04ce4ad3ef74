// Drives libcni: driver add|check|del|result|config DIRECTORY NETWORK NETNS IFNAME CONTAINER CAPABILITIES.
// CNI_PATH says where plugins are, CACHE_DIR where results are remembered. Prints the result, or the cached configuration.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/libcni"
)

func run(verb, directory, network, capabilities string, runtime *libcni.RuntimeConf) error {
	list, err := libcni.LoadConfList(directory, network)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(capabilities), &runtime.CapabilityArgs); err != nil {
		return err
	}
	ctx := context.Background()
	cni := libcni.NewCNIConfigWithCacheDir(filepath.SplitList(os.Getenv("CNI_PATH")), os.Getenv("CACHE_DIR"), nil)
	switch verb {
	case "add":
		result, err := cni.AddNetworkList(ctx, list, runtime)
		if err != nil {
			return err
		}
		return result.Print()
	case "check":
		return cni.CheckNetworkList(ctx, list, runtime)
	case "del":
		return cni.DelNetworkList(ctx, list, runtime)
	case "result":
		result, err := cni.GetNetworkListCachedResult(list, runtime)
		if err != nil || result == nil {
			return fmt.Errorf("no cached result: %v", err)
		}
		return result.Print()
	case "config":
		config, cached, err := cni.GetNetworkListCachedConfig(list, runtime)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
			"config": string(config), "args": cached.Args, "capabilities": cached.CapabilityArgs,
		})
	}
	return errors.New("unknown verb " + verb)
}

func main() {
	words := os.Args[1:]
	if len(words) != 7 {
		fmt.Fprintln(os.Stderr, "driver VERB DIRECTORY NETWORK NETNS IFNAME CONTAINER CAPABILITIES")
		os.Exit(2)
	}
	runtime := &libcni.RuntimeConf{NetNS: words[3], IfName: words[4], ContainerID: words[5]}
	if err := run(words[0], words[1], words[2], words[6], runtime); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
